// A document's text as blocks: every character is written once and in order.
//
// Documents are data: their text reaches the page through text nodes only. Offsets count Unicode
// code points, while JavaScript strings count UTF-16 units: `unitsAt` converts.

import { element, visible } from "./page.js";

export function unitsAt(text, codePoints) {
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

export function writeDocument(found, quoted) {
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
