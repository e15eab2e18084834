// Taking answers along: copied with their sources, as a link, or the whole conversation as a file.

import { copied, element, button, filled, placeOf, texts } from "./page.js";
import { allRecords, citationsOf, recordAt } from "./records.js";

const words = texts.export;

// ---------------------------------------------------------------- one answer

function sourcesHeading(reply) {
  return reply.kind === "abstention" ? texts.nearest : texts.sources;
}

function asText({ reply }) {
  const sources = citationsOf(reply).map((one) =>
    `[${one.number}] ${placeOf(one)} (${one.path}): “${one.quote}”`);
  const blocks = [reply.standalone_question, reply.text];
  if (sources.length) blocks.push([`${sourcesHeading(reply)}:`, ...sources].join("\n"));
  return blocks.join("\n\n");
}

// The question as it was understood, so that the link needs nothing of what was asked before.
function linkTo({ reply, documents }) {
  const link = new URL(document.baseURI);
  link.searchParams.set("q", reply.standalone_question);
  link.searchParams.set("answer", reply.answer_id);
  if (documents) link.searchParams.set("documents", documents.join(","));
  return link.href;
}

document.addEventListener("click", async (event) => {
  const pressed = event.target.closest?.("#conversation :is(button.copy, button.share)");
  if (!pressed) return;
  const record = await recordAt(pressed);
  if (pressed.matches(".copy")) copied(pressed, asText(record), texts.copied);
  else copied(pressed, linkTo(record), texts.link_copied);
});

// ---------------------------------------------------------------- the conversation

// A document's words between backticks of their own length: nothing in them is Markdown.
function verbatim(text) {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map((found) => found[0].length));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return `${fence}text\n${text}\n${fence}`;
}

const SPECIAL = /[\\`*_{}[\]()#+\-.!|~>$<&]/g;

function escaped(text) {
  return text.replace(SPECIAL, "\\$&").replace(/\s+/g, " ");
}

function asMarkdown(records) {
  const turns = records.map((record) => {
    const { reply } = record;
    const blocks = [`## ${escaped(reply.question)}`];
    if (reply.kind === "abstention") blocks.push(`**${escaped(texts.abstention[reply.reason])}**`);
    blocks.push(reply.markdown);
    const citations = citationsOf(reply);
    if (citations.length) blocks.push(`### ${escaped(sourcesHeading(reply))}`);
    for (const one of citations) {
      const where = filled(words.reference, one);
      blocks.push(`\\[${one.number}\\] ${escaped(`${placeOf(one)} (${one.path}, ${where}, SHA-256 ${one.sha256})`)}`,
        verbatim(one.quote));
    }
    blocks.push(`<${linkTo(record)}>`);
    return blocks.join("\n\n");
  });
  return `# ${escaped(texts.title)}\n\n${turns.join("\n\n")}\n`;
}

function asJson(records) {
  const turns = records.map((record) => ({ ...record, link: linkTo(record) }));
  return `${JSON.stringify({ title: texts.title, turns }, null, 2)}\n`;
}

function download(name, type, text) {
  const link = element("a", "");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const menu = element("details", "menu");
const nothing = element("p", "hint", texts.bar.nothing_to_save);

async function withRecords(act) {
  const records = await allRecords();
  nothing.hidden = records.length > 0;
  if (!records.length) return;
  menu.open = false;
  menu.querySelector("summary").focus();
  act(records);
}

export function saveMenu() {
  nothing.hidden = true;
  nothing.role = "status";
  menu.append(element("summary", "", texts.bar.save), element("div", "choices",
    button("", texts.bar.as_markdown, () => withRecords((records) =>
      download("conversation.md", "text/markdown;charset=utf-8", asMarkdown(records)))),
    button("", texts.bar.as_json, () => withRecords((records) =>
      download("conversation.json", "application/json", asJson(records)))),
    button("", texts.bar.print, () => withRecords(() => print())),
    nothing));
  return menu;
}

menu.addEventListener("toggle", () => { if (!menu.open) nothing.hidden = true; });

document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu.open) return;
  event.preventDefault();
  menu.open = false;
  menu.querySelector("summary").focus();
}, true);
