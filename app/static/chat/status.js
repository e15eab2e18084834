// What a reader is told beside the answers: that one came, and why one can't come.

import { keep } from "./keeping.js";
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

const RETRY_MS = 2000;
const ask = globalThis.fetch;

function whenReachable() {
  return new Promise((resolve) => {
    setTimeout(resolve, RETRY_MS);
    addEventListener("online", resolve, { once: true });
  });
}

// A question that can't be sent waits until it can: Gradio would give up, say so in the browser's
// language, and load the page anew.
async function sent(request) {
  for (let isKnown = false; ; isKnown = true) {
    try {
      const response = await ask(...request.map((part) => part instanceof Request ? part.clone() : part));
      if (isKnown) trouble.replaceChildren();
      if (response.status === 429) say(texts.status.too_many);
      else if (!response.ok) say(texts.busy);
      return response;
    } catch (error) {
      if (error.name === "AbortError") throw error;
      const problem = navigator.onLine ? texts.status.unreachable : texts.status.offline;
      if (trouble.firstChild?.textContent !== problem) say(problem);
      await whenReachable();
    }
  }
}

globalThis.fetch = async (...request) => {
  const path = new URL(request[0]?.url ?? request[0], location).pathname;
  if (path.endsWith("/queue/join")) return sent(request);
  const response = await ask(...request);
  // Gradio asks this after its connection broke; what it does next is load the page anew.
  if (path.endsWith("/gradio_api/app_id") && response.ok) await keep();
  return response;
};

addEventListener("offline", () => say(texts.status.offline));
addEventListener("online", () => {
  if (trouble.firstChild?.textContent === texts.status.offline) trouble.replaceChildren();
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("#conversation button.retry")) document.querySelector("#ask").click();
});
