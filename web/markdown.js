// Markdown to a tree of plain objects: the part of CommonMark and of GitHub's tables that models write.
//
// blocks(text) gives {type, …} with `source`, the lines that a block came from, so that a growing text needs only its last
// blocks drawn again. Types: heading {level, inline}, paragraph {inline}, code {language, text}, quote {blocks},
// list {ordered, start, items: [blocks]}, table {align, head, rows: [[inline]]}, rule.
// HTML in the text stays text. Every loop goes forward; nesting is bounded: what a model writes may be hostile.

import { inline } from "./inline.js";

const kMaxDepth = 10;
const fence = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const heading = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const rule = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const quote = /^ {0,3}> ?(.*)$/;
const bullet = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)(.*)$/;
const tableRule = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

export function blocks(text) {
  return read(text.replace(/\r\n?/g, "\n").replaceAll("\t", "    ").split("\n"), 0);
}

function read(lines, depth) {
  const found = [];
  for (let at = 0; at < lines.length;) {
    if (lines[at].trim() === "") { at += 1; continue; }
    const [block, next] = one(lines, at, depth);
    block.source = lines.slice(at, next).join("\n");
    found.push(block);
    at = next;
  }
  return found;
}

/** The block that starts at line `at`, and the line after it. */
function one(lines, at, depth) {
  const line = lines[at];
  if (fence.test(line)) return code(lines, at);
  const title = heading.exec(line);
  if (title) return [{ type: "heading", level: title[1].length, inline: inline(title[2] ?? "") }, at + 1];
  if (rule.test(line)) return [{ type: "rule" }, at + 1];
  if (depth < kMaxDepth && quote.test(line)) return quoted(lines, at, depth);
  if (depth < kMaxDepth && bullet.test(line)) return list(lines, at, depth);
  if (startsTable(lines, at)) return table(lines, at);
  return paragraph(lines, at, depth);
}

function code(lines, at) {
  const [, marks, info] = fence.exec(lines[at]);
  const indent = lines[at].length - lines[at].trimStart().length;
  const body = [];
  let next = at + 1;
  for (; next < lines.length; next += 1) {
    const line = lines[next].trim();
    if (line.length >= marks.length && line === marks[0].repeat(line.length)) break;
    body.push(lines[next].slice(Math.min(indent, lines[next].length - lines[next].trimStart().length)));
  }
  const language = info.trim().split(/\s/)[0].toLowerCase();
  // A fence without an end holds all that follows, as while the answer is still coming.
  return [{ type: "code", language, text: body.join("\n") }, Math.min(next + 1, lines.length)];
}

function quoted(lines, at, depth) {
  const body = [];
  let next = at;
  for (; next < lines.length && quote.test(lines[next]); next += 1) body.push(quote.exec(lines[next])[1]);
  return [{ type: "quote", blocks: read(body, depth + 1) }, next];
}

function list(lines, at, depth) {
  const ordered = (marker) => /\d/.test(marker);
  const first = bullet.exec(lines[at]);
  const items = [];
  let next = at;
  while (next < lines.length) {
    const start = bullet.exec(lines[next]);
    if (!start || ordered(start[2]) !== ordered(first[2]) || rule.test(lines[next])) break;
    const content = start[1].length + start[2].length + Math.min(Math.max(start[3].length, 1), 4);
    const body = [start[4]];
    next += 1;
    for (; next < lines.length && belongs(lines, next, content); next += 1) body.push(lines[next].slice(Math.min(content, indentOf(lines[next]))));
    items.push(read(body, depth + 1));
    while (next + 1 < lines.length && lines[next].trim() === "" && bullet.test(lines[next + 1])) next += 1;
  }
  return [{ type: "list", ordered: ordered(first[2]), start: Number.parseInt(first[2], 10) || 1, items }, next];
}

const indentOf = (line) => line.length - line.trimStart().length;

/** Whether line `at` goes on with a list item whose text starts in column `content`. */
function belongs(lines, at, content) {
  const line = lines[at];
  if (line.trim() === "") return at + 1 < lines.length && lines[at + 1].trim() !== "" && indentOf(lines[at + 1]) >= Math.min(content, 2);
  if (indentOf(line) >= Math.min(content, 2)) return true;
  return lines[at - 1].trim() !== "" && !interrupts(line);
}

/** Whether a line ends the paragraph before it. */
function interrupts(line) {
  return fence.test(line) || heading.test(line) || rule.test(line) || quote.test(line) || bullet.test(line);
}

function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function startsTable(lines, at) {
  return lines[at].includes("|") && at + 1 < lines.length && tableRule.test(lines[at + 1]) &&
    lines[at + 1].includes("-") && cells(lines[at]).length === cells(lines[at + 1]).length;
}

function table(lines, at) {
  const align = cells(lines[at + 1]).map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : "left"));
  const head = cells(lines[at]).map((cell) => inline(cell));
  const rows = [];
  let next = at + 2;
  for (; next < lines.length && lines[next].includes("|"); next += 1) {
    const row = cells(lines[next]);
    rows.push(align.map((_, column) => inline(row[column] ?? "")));
  }
  return [{ type: "table", align, head, rows }, next];
}

function paragraph(lines, at, depth) {
  const body = [lines[at].trim()];
  let next = at + 1;
  for (; next < lines.length && lines[next].trim() !== ""; next += 1) {
    if (depth < kMaxDepth && interrupts(lines[next])) break;
    if (startsTable(lines, next)) break;
    body.push(lines[next].trimStart());
  }
  return [{ type: "paragraph", inline: inline(body.join("\n")) }, next];
}
