// Choosing which documents are asked: a list in a dialog, and the choice over the conversation.
//
// The choice reaches the server through a text box that Gradio keeps out of sight.

import { allDocuments, button, element, filled, known, texts, visible } from "./page.js";

const words = texts.chooser;
const SEARCHED_FROM = 8; // so many documents are found faster by typing

export const chosen = new Set();

const opener = button("choose", "", openChooser);
opener.setAttribute("aria-haspopup", "dialog");
const chips = element("ul", "chosen");
chips.setAttribute("aria-label", words.heading);
const dialog = element("dialog", "chooser");
document.body.append(dialog);

export function choiceNodes() {
  return [opener, chips];
}

export function choose(ids) {
  chosen.clear();
  for (const id of ids) chosen.add(id);
  showChoice();
}

// Gradio takes a value over when its box says that it was typed.
export function giveToGradio(box, value) {
  const field = document.querySelector(`#${box} textarea`);
  if (!field) return false;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return true;
}

export function showChoice() {
  const wanted = chosen.size ? JSON.stringify([...chosen]) : "";
  giveToGradio("chosen", wanted);
  opener.textContent = chosen.size
    ? filled(texts.bar.some_documents, { count: chosen.size, total: known.size })
    : filled(texts.bar.all_documents, { count: known.size });
  chips.replaceChildren(...[...chosen].map((id) => {
    const title = known.get(id)?.title ?? id;
    const remove = button("remove", "×", () => {
      chosen.delete(id);
      showChoice();
      opener.focus();
    });
    remove.ariaLabel = filled(words.remove, { title });
    const name = element("bdi", "", ...visible(title));
    name.lang = known.get(id)?.language ?? "";
    return element("li", "", name, remove);
  }));
  chips.hidden = !chosen.size;
}

async function openChooser() {
  const heading = element("h2", "", words.heading);
  heading.id = "chooser-heading";
  dialog.setAttribute("aria-labelledby", heading.id);
  let rows;
  try {
    rows = (await allDocuments()).map(choosable);
  } catch {
    rows = null;
  }
  for (const id of chosen) if (rows && !known.has(id)) chosen.delete(id);
  const list = element("ul", "choices", ...(rows ?? []));
  const none = element("p", "hint", rows ? words.none_found : words.unreachable);
  none.role = "status";
  none.hidden = rows !== null;
  const all = button("all", words.all, () => {
    chosen.clear();
    for (const box of list.querySelectorAll("input")) box.checked = false;
    showChoice();
  });
  dialog.replaceChildren(heading, element("p", "hint", words.hint),
    rows?.length >= SEARCHED_FROM ? searchField(list, none) : "", list, none,
    element("p", "actions", all, button("done", words.done, () => dialog.close())));
  showChoice();
  dialog.showModal();
}

function choosable(one) {
  const box = element("input");
  box.type = "checkbox";
  box.value = one.document_id;
  box.checked = chosen.has(one.document_id);
  box.addEventListener("change", () => {
    if (box.checked) chosen.add(one.document_id); else chosen.delete(one.document_id);
    showChoice();
  });
  const title = element("span", "title", ...visible(one.title));
  title.lang = one.language ?? "";
  title.dir = "auto";
  const row = element("li", "", element("label", "", box,
    element("span", "", title, element("span", "path", [one.path, one.date].filter(Boolean).join(" · ")))));
  row.dataset.words = `${one.title} ${one.path}`.toLocaleLowerCase();
  return row;
}

function searchField(list, none) {
  const field = element("input", "search");
  field.type = "search";
  field.addEventListener("input", () => {
    const wanted = field.value.toLocaleLowerCase().trim().split(/\s+/);
    for (const row of list.children) row.hidden = !wanted.every((word) => row.dataset.words.includes(word));
    none.hidden = [...list.children].some((row) => !row.hidden);
  });
  return element("label", "find", words.search, field);
}

dialog.addEventListener("close", () => opener.focus());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
