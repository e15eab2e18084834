// What Gradio draws, made to fit: names in the page's language, and nothing that jumps.

import { showChoice } from "./choosing.js";
import { giveBack } from "./keeping.js";
import { texts } from "./page.js";
import { announce } from "./status.js";

const app = document.querySelector("gradio-app");
// What must be there before the page can ask anything of Gradio.
const BOXES = ["#kept textarea", "#chosen textarea", "#take-up", "#question textarea", "#restart"];

let messagesBefore = 0;
let isReady = false;

// Gradio draws piece by piece; the conversation appears once it stands, so that nothing jumps.
function reveal() {
  app.classList.add("drawn");
}

setTimeout(reveal, 4000);

// Once its own language has loaded, Gradio says that the page is in that one.
function keepLanguage() {
  const page = document.documentElement;
  if (page.lang !== texts.language) page.lang = texts.language;
}

keepLanguage();
new MutationObserver(keepLanguage).observe(document.documentElement, { attributeFilter: ["lang"] });

// Gradio names things in the browser's language and repeats each message's source as its label.
function rename() {
  const log = document.querySelector("#conversation [role=log]");
  // Only where it differs: setting a name is itself a change that calls this again.
  if (log && log.ariaLabel !== texts.conversation) log.ariaLabel = texts.conversation;
  if (log && log.ariaLive !== "off") log.ariaLive = "off";
  for (const node of document.querySelectorAll("#conversation [data-testid][aria-label], #conversation .example")) {
    node.removeAttribute("aria-label");
  }
  // A list of buttons that are no items is none.
  document.querySelector("#conversation .examples[role]")?.removeAttribute("role");
  for (const link of document.querySelectorAll("#conversation a.source:not([data-address])")) {
    link.dataset.address = link.href; // written out on paper
  }
}

function tidy() {
  rename();
  if (!isReady && BOXES.every((part) => document.querySelector(part))) {
    isReady = true;
    showChoice();
    giveBack();
  }
  if (isReady && document.querySelector("#conversation .lead, #conversation .message-row")) {
    requestAnimationFrame(() => requestAnimationFrame(reveal));
  }
  // The newest question goes to the top, when it is asked and again when its answer has come.
  const asked = document.querySelectorAll("#conversation .user-row");
  const replies = document.querySelectorAll("#conversation .reply");
  const messages = asked.length + replies.length + document.querySelectorAll("#conversation .notice").length;
  if (messages > messagesBefore) {
    asked[asked.length - 1]?.scrollIntoView({ block: "start" });
    if (replies.length) announce(replies[replies.length - 1]);
  }
  messagesBefore = messages;
}

new MutationObserver(tidy).observe(app, {
  subtree: true, childList: true, attributes: true, attributeFilter: ["aria-label", "aria-live"],
});
new MutationObserver(() => {
  if (document.documentElement.lang !== texts.language) document.documentElement.lang = texts.language;
}).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });

document.querySelector("a.skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector("#question textarea")?.focus();
});
