// What a reader thinks of an answer. The buttons are there only where the operator stores it.

import { address, element, texts } from "./page.js";
import { recordAt } from "./records.js";

document.addEventListener("click", async (event) => {
  const pressed = event.target.closest?.("#conversation .feedback button");
  if (!pressed) return;
  const row = pressed.closest(".feedback");
  const record = await recordAt(pressed);
  const said = element("span", "said");
  said.role = "status";
  row.querySelector(".said")?.remove();
  row.append(said);
  try {
    const response = await fetch(address("feedback"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ answer_id: record.reply.answer_id, verdict: pressed.value }),
    });
    if (!response.ok) throw new Error(response.status);
    for (const other of row.querySelectorAll("button")) other.remove();
    row.querySelector("span:not(.said)")?.remove();
    said.textContent = texts.feedback.thanks;
    said.tabIndex = -1;
    said.focus();
  } catch {
    said.textContent = texts.feedback.failed;
  }
});
