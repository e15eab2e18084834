// The conversation goes along when the page is loaded anew: in another language, or by Gradio after
// its connection broke.
//
// It waits in the tab's own storage for the moment between two pages and is taken out at once.

import { choose, chosen, giveToGradio } from "./choosing.js";
import { allRecords } from "./records.js";

const NAME = "briefing-desk.kept";

export async function keep() {
  const records = await allRecords();
  const asked = records.map(({ reply, documents }) => ({ question: reply.question, documents }));
  // What no answer has come to yet is put back where it was typed.
  const unanswered = document.querySelectorAll("#conversation .user-row")[records.length]?.textContent.trim();
  const draft = document.querySelector("#question textarea")?.value || unanswered || "";
  try {
    sessionStorage.setItem(NAME, JSON.stringify({ asked, chosen: [...chosen], draft }));
  } catch {
    // Where a browser keeps nothing, the next page begins without the conversation.
  }
}

document.querySelector(".masthead nav").addEventListener("click", async (event) => {
  const link = event.target.closest("a[hreflang]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  await keep();
  location.assign(link.href);
});

function taken() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(NAME));
    sessionStorage.removeItem(NAME);
    return kept;
  } catch {
    return null;
  }
}

const kept = taken();

// Once Gradio's boxes are there: the choice, the questions, and what was typed but not yet asked.
export function giveBack() {
  if (!kept) return;
  choose(kept.chosen);
  if (kept.asked.length) {
    giveToGradio("kept", JSON.stringify(kept.asked));
    document.querySelector("#take-up").click();
  }
  if (kept.draft) giveToGradio("question", kept.draft);
}
