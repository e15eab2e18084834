// The source pane: the list of documents, and one document with the quote marked in its context.

import { unitsAt, writeDocument } from "./document.js";
import { address, allDocuments, button, copied, element, fetched, filled, placeOf, texts as all, visible } from "./page.js";
import { citationsOf, languageAt, numberIn, recordAt } from "./records.js";

const texts = all.pane;
const pane = document.getElementById("source");

let opener = null;
let opened = 0;

function showInPane(...nodes) {
  pane.replaceChildren(...nodes);
  pane.scrollTop = 0;
}

async function showDocuments() {
  const turn = ++opened;
  markOpener(null);
  const listed = await allDocuments();
  if (turn !== opened) return;
  const rows = listed.map((one) => {
    const link = element("a", "document", ...visible(one.title));
    link.href = `#document=${encodeURIComponent(one.document_id)}`;
    link.lang = one.language ?? "";
    return element("li", "", link, element("span", "path", [one.path, one.date].filter(Boolean).join(" · ")));
  });
  showInPane(element("div", "library",
    element("h2", "", texts.documents),
    element("p", "hint", texts.documents_hint),
    element("ul", "documents", ...rows)));
}

// The document is fetched anew each time: its file or the index may have changed meanwhile.
async function showDocument(place, from) {
  const turn = ++opened;
  markOpener(from);
  try {
    if (!pane.querySelector(".text")) showInPane(element("p", "hint loading", texts.loading));
    const [found, record] = await Promise.all([
      fetched(`documents/${encodeURIComponent(place.get("document"))}`), recordAt(from)]);
    found.language ??= isAnswer(from) ? languageAt(from) : "";
    if (turn === opened) fillPane(found, place, record ? citationsOf(record.reply) : []);
  } catch {
    if (turn === opened) showInPane(backButton(), element("p", "hint", texts.unreachable));
  }
}

function isAnswer(link) {
  return Boolean(link?.isConnected && link.closest("#conversation"));
}

function backButton() {
  return button("back", isAnswer(opener) ? texts.back_to_answer : texts.back_to_documents, goBack);
}

// Which of the answer's citations this is, with the way to those before and after it.
function stepper(citations, citation) {
  if (citations.length < 2) return null;
  const at = citations.indexOf(citation);
  const step = (to, label, sign) => {
    const made = button("step", sign, () => showDocument(placeIn(linkOf(to).hash), linkOf(to)));
    made.ariaLabel = label;
    made.disabled = !to;
    return made;
  };
  return element("div", "stepper",
    step(citations[at - 1], texts.previous, "‹"),
    element("span", "", filled(texts.citation_of, { number: at + 1, count: citations.length })),
    step(citations[at + 1], texts.next, "›"));
}

// The link in the list of sources under the answer that the pane was opened from.
function linkOf(citation) {
  const links = opener.closest(".reply").querySelectorAll("a.source");
  return [...links].find((link) => numberIn(placeIn(link.hash)) === citation.number);
}

function copyQuote(citation) {
  const made = button("copy-quote", texts.copy_quote, () =>
    copied(made, `“${citation.quote}”\n${placeOf(citation)} (${citation.path})\n${opener.href}`, all.copied));
  return made;
}

function fillPane(found, place, citations) {
  const isSame = !place.has("sha256") || found.sha256.startsWith(place.get("sha256"));
  const isPlaced = isSame && place.has("start");
  const quoted = isPlaced
    ? { start: unitsAt(found.text, Number(place.get("start"))), end: unitsAt(found.text, Number(place.get("end"))) }
    : { start: 0, end: 0 };
  const body = writeDocument(found, quoted);
  const citation = citations.find((one) => one.number === numberIn(place));
  const title = element("h2", "", ...visible(found.title));
  title.id = "source-title";
  title.lang = found.language;
  const original = element("a", "original", texts.original);
  original.href = address(`documents/${encodeURIComponent(found.document_id)}/source`);
  original.target = "_blank";
  original.rel = "noopener";
  const state = all.source_state[found.source_state];
  const positions = citation ? placeOf({ ...citation, title: "", heading_path: [] }).slice(2) : "";
  const mark = body.querySelector("mark:not(.sign *)") ?? body.querySelector("mark");
  const head = element("div", "pane-head",
    element("div", "pane-bar",
      element("div", "pane-tools", backButton(), citation ? stepper(citations, citation) : null, original),
      title,
      element("p", "path", [found.path, found.date, positions].filter(Boolean).join(" · ")),
      element("div", "about", contents(found, body, mark), citation && mark ? copyQuote(citation) : null)),
    state ? element("p", "warning", state) : null,
    isSame ? null : element("p", "warning", texts.document_changed));
  showInPane(head, body);
  const target = mark ?? title;
  target.tabIndex = -1;
  // Focus first: the browser's own scrolling is then overruled by ours.
  target.focus({ preventScroll: true });
  if (mark) mark.scrollIntoView({ block: "center" });
  else pane.scrollIntoView({ block: "start" });
}

// The headings as an outline that jumps; the section of the quote is marked.
function contents(found, body, mark) {
  if (found.sections.length < 2) return null;
  const headings = [...body.querySelectorAll("[data-level]")];
  const current = mark && headings.findLast((heading) =>
    heading.contains(mark) || heading.compareDocumentPosition(mark) & Node.DOCUMENT_POSITION_FOLLOWING);
  const rows = headings.map((heading) => {
    const name = element("span", "", ...visible(heading.textContent.replace(/^\s*#+\s*/, "").trim()));
    const jump = button("", name, () => {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      heading.style.scrollMarginTop = `${pane.querySelector(".pane-bar").offsetHeight + 8}px`;
      heading.scrollIntoView({ block: "start" });
    });
    if (heading === current) jump.setAttribute("aria-current", "location");
    const row = element("li", "", jump);
    row.style.setProperty("--depth", String(heading.dataset.level - 1));
    return row;
  });
  return element("details", "contents", element("summary", "", texts.contents), element("ol", "", ...rows));
}

function markOpener(from) {
  opener?.removeAttribute("aria-current");
  opener = from;
  opener?.setAttribute("aria-current", "true");
}

async function goBack() {
  const from = opener;
  await showDocuments();
  const isThere = from?.isConnected;
  const target = isThere ? from : pane.querySelector("a.document");
  target?.focus({ preventScroll: true });
  target?.scrollIntoView({ block: "nearest" });
}

function placeIn(hash) {
  const place = new URLSearchParams(hash.replace(/^#/, ""));
  return place.has("document") ? place : null;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='#document=']");
  const place = link && placeIn(link.hash);
  if (!place || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  showDocument(place, link);
});

document.addEventListener("keydown", (event) => {
  const isOurs = event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]");
  if (isOurs && pane.querySelector(".back")) goBack();
});

const linked = placeIn(location.hash);
if (linked) showDocument(linked, null);
else showDocuments().catch(() => showInPane(element("p", "hint", texts.unreachable)));
