// The quoted passage of a citation mark, shown where the mark is: by pointer and by keyboard.
//
// As WCAG 2.2, 1.4.13 asks: Escape dismisses it, the pointer can move onto it, and it stays until
// the pointer or the focus goes elsewhere.

import { element, placeOf, texts, visible } from "./page.js";
import { citationsOf, languageAt, numberIn, recordAt } from "./records.js";

const LEAVE_MS = 200; // time to move the pointer from the mark onto the passage

const shown = element("div", "passage");
shown.id = "passage";
shown.role = "tooltip";
shown.hidden = true;
document.getElementById("bar").append(shown); // within a landmark

let mark = null;
let leaving = 0;

function markAt(node) {
  return node.closest?.("#conversation :is(a.chip, a.source)") ?? null;
}

async function show(link) {
  clearTimeout(leaving);
  if (mark === link) return;
  hide();
  mark = link;
  const record = await recordAt(link);
  const number = numberIn(new URLSearchParams(link.hash.slice(1)));
  const citation = record && citationsOf(record.reply).find((one) => one.number === number);
  if (!citation || mark !== link || !link.isConnected) return;
  const quote = element("q", "", ...visible(citation.quote.trim()));
  quote.lang = languageAt(link);
  quote.dir = "auto";
  const state = texts.source_state[citation.source_state];
  shown.replaceChildren(quote, element("p", "place", ...visible(placeOf(citation))),
    state ? element("p", "state", state) : "");
  shown.hidden = false;
  link.setAttribute("aria-describedby", shown.id);
  place(link);
}

// Under the mark where there is room, else above it; never outside the window.
function place(link) {
  const at = link.getClientRects()[0];
  const { offsetWidth: width, offsetHeight: height } = shown;
  const left = Math.min(Math.max(at.left - 16, 8), innerWidth - width - 8);
  const isBelow = at.bottom + height + 14 <= innerHeight || at.top < height + 14;
  shown.style.left = `${Math.max(left, 8)}px`;
  shown.style.top = `${isBelow ? at.bottom + 6 : at.top - height - 6}px`;
}

function hide() {
  clearTimeout(leaving);
  mark?.removeAttribute("aria-describedby");
  mark = null;
  shown.hidden = true;
}

function leave() {
  clearTimeout(leaving);
  leaving = setTimeout(hide, LEAVE_MS);
}

document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  const link = markAt(event.target);
  if (link) show(link);
  else if (shown.contains(event.target)) clearTimeout(leaving);
  else if (mark && mark !== document.activeElement) leave();
});

document.documentElement.addEventListener("pointerleave", () => { if (mark !== document.activeElement) hide(); });

document.addEventListener("focusin", (event) => {
  const link = markAt(event.target);
  if (link?.matches(":focus-visible")) show(link);
  else if (mark) hide();
});

document.addEventListener("click", (event) => { if (markAt(event.target)) hide(); }, true);

// It moves along with its mark, and goes when the mark is out of sight.
document.addEventListener("scroll", (event) => {
  if (!mark || event.target === shown) return;
  const at = mark.getClientRects()[0];
  if (at && at.bottom > 0 && at.top < innerHeight) place(mark);
  else hide();
}, true);

// Before anything else that Escape would close.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || shown.hidden) return;
  event.stopImmediatePropagation();
  event.preventDefault();
  hide();
}, true);
