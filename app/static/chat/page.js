// What every part of the page uses: its texts, its nodes, and the way to the API.

export const texts = JSON.parse(document.getElementById("page-texts").textContent);

const api = new URL("../api/", document.baseURI);

const UNSEEN = /[\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;

export function element(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function button(className, label, act) {
  const node = element("button", className, label);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

// Text whose unseen characters are kept, isolated, and shown as marks (the style draws the code).
export function visible(text) {
  return text.split(new RegExp(`(${UNSEEN.source})`, "u")).filter(Boolean).map((part) => {
    if (!UNSEEN.test(part)) return part;
    const mark = element("bdi", "unseen", part);
    mark.dataset.code = "U+" + part.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    mark.title = texts.pane.unseen_character;
    return mark;
  });
}

// A text with its {names} filled in, read once: what is put in is not read again.
export function filled(template, values) {
  return template.replace(/\{(\w+)\}/g, (sign, name) => values[name] ?? sign);
}

export function address(path) {
  return new URL(path, api);
}

export async function fetched(path) {
  const response = await fetch(address(path));
  if (!response.ok) throw new Error(`${response.status} for ${path}`);
  return response.json();
}

// The documents as they were last listed, by id.
export const known = new Map();

export async function allDocuments() {
  const { documents } = await fetched("documents");
  known.clear();
  for (const one of documents) known.set(one.document_id, one);
  return documents;
}

// Writes into the clipboard and says so on the button that was pressed.
export async function copied(button, text, said) {
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = said;
  } catch {
    button.textContent = texts.copy_failed;
  }
  setTimeout(() => { button.textContent = label; }, 2000);
}

// Where a citation leads, in its page, sheet and row where it has them.
export function placeOf(citation) {
  const headings = citation.heading_path.filter((heading) => heading !== citation.title);
  const positions = ["page", "sheet", "row"].filter((name) => citation[name] !== null)
    .map((name) => filled(texts.pane[name], citation));
  return [[citation.title, ...headings].join(" › "), ...positions].join(", ");
}
