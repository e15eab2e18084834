// What a reader is told beside the answers: that one came, and why one can't come.

import { button, element, filled, texts } from "./page.js";
import { recordAt } from "./records.js";

const announcer = document.getElementById("announcer");
const trouble = element("div", "trouble");
trouble.role = "alert";

export function troubleNode() {
  return trouble;
}

function say(problem) {
  trouble.replaceChildren(element("p", "", problem),
    button("", texts.status.dismiss, () => trouble.replaceChildren()));
}

// A finished answer is announced once, as it is written: Gradio's own log would also announce
// what is only on its way, and all of an answer's buttons.
let announced = null;

export async function announce(reply) {
  const record = await recordAt(reply);
  if (!record || record.reply.id === announced) return;
  announced = record.reply.id;
  announcer.textContent = filled(texts.status.answered, { text: record.reply.text });
  trouble.replaceChildren();
}

// ---------------------------------------------------------------- no answer can come

// Gradio says these things in the browser's language and in its own words, or not at all.
const ask = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const isQuestion = String(request[0]?.url ?? request[0]).endsWith("/queue/join");
  try {
    const response = await ask(...request);
    if (isQuestion && response.status === 429) say(texts.status.too_many);
    else if (isQuestion && !response.ok) say(texts.busy);
    return response;
  } catch (error) {
    if (isQuestion) say(navigator.onLine ? texts.status.unreachable : texts.status.offline);
    throw error;
  }
};

addEventListener("offline", () => say(texts.status.offline));
addEventListener("online", () => trouble.replaceChildren());

document.addEventListener("click", (event) => {
  if (event.target.closest?.("#conversation button.retry")) document.querySelector("#ask").click();
});
