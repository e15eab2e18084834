// The source pane, the copy buttons, and the names that Gradio would give in the browser's language.
//
// Documents are data: their text reaches the page through text nodes only. Offsets count Unicode
// code points, while JavaScript strings count UTF-16 units: `unitsAt` converts, once per citation.

const page = JSON.parse(document.getElementById("page-texts").textContent);
const texts = page.pane;
const pane = document.getElementById("source");
const api = new URL("../api/", document.baseURI);
const documents = new Map();

const UNSEEN = /[\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;

let opener = null;
let opened = 0;
let messagesBefore = 0;

// ---------------------------------------------------------------- building nodes

function element(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null));
  return node;
}

function button(className, label, act) {
  const node = element("button", className, label);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

// Text whose unseen characters are kept, isolated, and shown as marks (the style draws the code).
function visible(text) {
  return text.split(new RegExp(`(${UNSEEN.source})`, "u")).filter(Boolean).map((part) => {
    if (!UNSEEN.test(part)) return part;
    const mark = element("bdi", "unseen", part);
    mark.dataset.code = "U+" + part.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    mark.title = texts.unseen_character;
    return mark;
  });
}

// ---------------------------------------------------------------- a document's text as blocks

function unitsAt(text, codePoints) {
  let units = 0;
  for (let count = 0; count < codePoints && units < text.length; count += 1) {
    units += text.codePointAt(units) > 0xffff ? 2 : 1;
  }
  return units;
}

// Writes text[start, end) and marks the part of it that is quoted. Every character is written once
// and in order, so what is marked is exactly the quote.
function writer(text, quoted) {
  return (parent, start, end) => {
    const cuts = [start, quoted.start, quoted.end, end]
      .map((cut) => Math.min(Math.max(cut, start), end));
    for (let part = 0; part < 3; part += 1) {
      if (cuts[part] === cuts[part + 1]) continue;
      const nodes = visible(text.slice(cuts[part], cuts[part + 1]));
      parent.append(...(part === 1 ? [element("mark", "", ...nodes)] : nodes));
    }
  };
}

const INLINE = /(\*\*|__)(?=\S)(.+?\S?)\1|(`)([^`\n]+)`/g;

// A line's content, with the signs of Markdown kept in the text but out of sight.
function writeInline(write, parent, text, start, end) {
  let at = start;
  for (const found of text.slice(start, end).matchAll(INLINE)) {
    const sign = found[1] ?? found[3];
    const from = start + found.index;
    const to = from + found[0].length;
    write(parent, at, from);
    const inner = element(found[1] ? "strong" : "code", "");
    const before = element("span", "sign");
    const after = element("span", "sign");
    write(before, from, from + sign.length);
    write(inner, from + sign.length, to - sign.length);
    write(after, to - sign.length, to);
    parent.append(before, inner, after);
    at = to;
  }
  write(parent, at, end);
}

function writeSigned(write, parent, text, start, content, end) {
  const sign = element("span", "sign");
  write(sign, start, content);
  if (content > start) parent.append(sign);
  writeInline(write, parent, text, content, end);
}

function barsIn(text, start, end) {
  const bars = [];
  for (let at = start; at < end; at += 1) {
    if (text[at] === "|" && text[at - 1] !== "\\") bars.push(at);
  }
  return bars;
}

// Each cell begins with its bar; the last bar and the line's end close the last cell.
function writeRow(write, row, text, start, end, bars, cellName) {
  for (let column = 0; column < bars.length - 1; column += 1) {
    const cell = element(cellName, "");
    writeSigned(write, cell, text, column ? bars[column] : start, bars[column] + 1, bars[column + 1]);
    row.append(cell);
  }
  const sign = element("span", "sign");
  write(sign, bars.at(-1), end);
  row.lastChild.append(sign);
}

const LIST_ITEM = /^(\s*)([-*+•]|\d+[.)])\s+(?=\S)/;
const TABLE_ROW = /^\s*\|.*\|\s*$/;
const TABLE_RULE = /^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$/;

function writeDocument(found, quoted) {
  const { text } = found;
  const headings = new Map(found.sections.map((section) =>
    [unitsAt(text, section.start), section.heading_path]));
  const write = writer(text, quoted);
  const body = element("div", "text");
  body.lang = found.language ?? "";
  body.dir = "auto";
  let table = null;
  let start = 0;
  let inFrontMatter = /^---\r?\n/.test(text) && /\n---[ \t]*\r?\n/.test(text);
  const frontMatter = inFrontMatter ? element("div", "front-matter") : null;
  if (frontMatter) body.append(frontMatter);

  while (start < text.length) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline + 1;
    const line = text.slice(start, end);
    const bars = TABLE_ROW.test(line) ? barsIn(text, start, end) : [];
    if (inFrontMatter) {
      const isFence = /^---[ \t]*\r?\n$/.test(line);
      const row = element("div", isFence ? "sign" : "line");
      write(row, start, end);
      frontMatter.append(row);
      if (start > 0 && isFence) inFrontMatter = false;
    } else if (bars.length > 1) {
      if (!table) {
        table = element("table", "");
        body.append(element("div", "table", table));
      }
      const isHead = table.rows.length === 0 && TABLE_RULE.test(nextLine(text, end));
      const row = element("tr", TABLE_RULE.test(line) ? "sign" : "");
      writeRow(write, row, text, start, end, bars, isHead ? "th" : "td");
      table.append(row);
    } else {
      table = null;
      body.append(writeLine(write, text, start, end, headings.get(start)));
    }
    start = end;
  }
  return body;
}

function nextLine(text, start) {
  const newline = text.indexOf("\n", start);
  return text.slice(start, newline === -1 ? text.length : newline);
}

function writeLine(write, text, start, end, headingPath) {
  const line = text.slice(start, end);
  if (headingPath) {
    const level = Math.min(headingPath.length + 2, 6);
    const node = element(`h${level}`, "line");
    node.dataset.level = String(headingPath.length);
    node.dataset.start = String(start);
    const signs = line.match(/^\s*#+\s*/)?.[0].length ?? 0;
    writeSigned(write, node, text, start, start + signs, end);
    return node;
  }
  const item = line.match(LIST_ITEM);
  if (item) {
    const node = element("div", "line item");
    node.style.setProperty("--depth", String(Math.floor(item[1].length / 2)));
    const isNumbered = /\d/.test(item[2]);
    node.classList.toggle("numbered", isNumbered);
    const content = start + (isNumbered ? item[1].length : item[0].length);
    writeSigned(write, node, text, start, content, end);
    return node;
  }
  const node = element("div", line.trim() ? "line" : "line blank");
  writeInline(write, node, text, start, end);
  return node;
}

// ---------------------------------------------------------------- the pane

async function fetched(path) {
  const response = await fetch(new URL(path, api));
  if (!response.ok) throw new Error(`${response.status} for ${path}`);
  return response.json();
}

function showInPane(...nodes) {
  pane.replaceChildren(...nodes);
  pane.scrollTop = 0;
}

async function showDocuments() {
  const turn = ++opened;
  markOpener(null);
  const { documents: listed } = await fetched("documents");
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

async function showDocument(place, from) {
  const turn = ++opened;
  markOpener(from);
  try {
    const id = place.get("document");
    if (!documents.has(id)) {
      showInPane(element("p", "hint", texts.loading));
      documents.set(id, await fetched(`documents/${encodeURIComponent(id)}`));
    }
    if (turn !== opened) return;
    fillPane(documents.get(id), place);
  } catch {
    if (turn === opened) showInPane(backButton(), element("p", "hint", texts.unreachable));
  }
}

function backButton() {
  const isAnswer = opener?.isConnected && opener.closest("#conversation");
  return button("back", isAnswer ? texts.back_to_answer : texts.back_to_documents, goBack);
}

function fillPane(found, place) {
  const isSame = !place.has("sha256") || found.sha256.startsWith(place.get("sha256"));
  const isPlaced = isSame && place.has("start");
  const quoted = isPlaced
    ? { start: unitsAt(found.text, Number(place.get("start"))), end: unitsAt(found.text, Number(place.get("end"))) }
    : { start: 0, end: 0 };
  const body = writeDocument(found, quoted);
  const title = element("h2", "", ...visible(found.title));
  title.id = "source-title";
  title.lang = found.language ?? "";
  const original = element("a", "original", texts.original);
  original.href = new URL(`documents/${encodeURIComponent(found.document_id)}/source`, api);
  original.target = "_blank";
  original.rel = "noopener";
  const state = page.source_state[found.source_state];
  const head = element("div", "pane-head",
    element("div", "pane-bar",
      element("div", "pane-tools", backButton(), original),
      title,
      element("p", "path", [found.path, found.date].filter(Boolean).join(" · "))),
    state ? element("p", "warning", state) : null,
    isSame ? null : element("p", "warning", texts.document_changed),
    contents(found, body));
  showInPane(head, body);
  const mark = body.querySelector("mark:not(.sign *)") ?? body.querySelector("mark");
  const target = mark ?? title;
  target.tabIndex = -1;
  // Focus first: the browser's own scrolling is then overruled by ours.
  target.focus({ preventScroll: true });
  if (mark) mark.scrollIntoView({ block: "center" });
  else pane.scrollIntoView({ block: "start" });
}

function contents(found, body) {
  if (found.sections.length < 2) return null;
  const rows = [...body.querySelectorAll("[data-level]")].map((heading) => {
    const name = element("span", "", ...visible(heading.textContent.replace(/^\s*#+\s*/, "").trim()));
    const row = element("li", "", button("", name, () => {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      heading.style.scrollMarginTop = `${pane.querySelector(".pane-bar").offsetHeight + 8}px`;
      heading.scrollIntoView({ block: "start" });
    }));
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
  if (event.key === "Escape" && pane.querySelector(".back")) goBack();
});

// ---------------------------------------------------------------- copying

document.addEventListener("click", async (event) => {
  const copy = event.target.closest?.("#conversation button.copy");
  if (!copy) return;
  const label = copy.dataset.label ?? copy.textContent;
  copy.dataset.label = label;
  try {
    await navigator.clipboard.writeText(copy.value);
    copy.textContent = page.copied;
  } catch {
    copy.textContent = page.copy_failed;
  }
  setTimeout(() => { copy.textContent = label; }, 2000);
});

// ---------------------------------------------------------------- what Gradio draws

// Gradio draws piece by piece; the conversation appears once it stands, so that nothing jumps.
function reveal() {
  document.querySelector("gradio-app").classList.add("drawn");
}

setTimeout(reveal, 4000);

// Gradio names things in the browser's language and repeats each message's source as its label.
function tidy() {
  const log = document.querySelector("#conversation [role=log]");
  // Only where it differs: setting a name is itself a change that calls this again.
  if (log && log.ariaLabel !== page.conversation) log.ariaLabel = page.conversation;
  for (const node of document.querySelectorAll("#conversation [data-testid][aria-label], #conversation .example")) {
    node.removeAttribute("aria-label");
  }
  if (document.querySelector("#restart") && document.querySelector("#conversation .lead, #conversation .message-row")) {
    requestAnimationFrame(() => requestAnimationFrame(reveal));
  }
  // The newest question goes to the top, when it is asked and again when its answer has come.
  const asked = document.querySelectorAll("#conversation .user-row");
  const replies = document.querySelectorAll("#conversation .reply, #conversation .notice").length;
  if (asked.length + replies > messagesBefore) {
    asked[asked.length - 1]?.scrollIntoView({ block: "start" });
  }
  messagesBefore = asked.length + replies;
}

new MutationObserver(tidy).observe(document.querySelector("gradio-app"), {
  subtree: true, childList: true, attributes: true, attributeFilter: ["aria-label"],
});
new MutationObserver(() => {
  if (document.documentElement.lang !== page.language) document.documentElement.lang = page.language;
}).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });

document.querySelector("a.skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector("#question textarea")?.focus();
});

const linked = placeIn(location.hash);
if (linked) showDocument(linked, null); else showDocuments().catch(() => showInPane(element("p", "hint", texts.unreachable)));
