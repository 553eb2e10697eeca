// The inside of a Markdown paragraph: strings, and {type: "strong" | "em" | "del", inside}, {type: "code", text},
// {type: "link", address, inside}, {type: "break"}. Only http and https addresses become links.

const kMaxDepth = 8;
const escapable = /[!-/:-@[-`{-~]/;
const marks = [["**", "strong"], ["__", "strong"], ["~~", "del"], ["*", "em"], ["_", "em"]];
const wordly = /[\p{L}\p{N}]/u;

export function inline(text, depth = 0) {
  const out = [];
  let plain = "";
  const flush = () => { if (plain) out.push(plain); plain = ""; };
  // Where a closing mark was looked for in vain: it is not looked for again, which keeps this linear.
  const missing = new Set();
  for (let at = 0; at < text.length;) {
    const found = depth < kMaxDepth ? special(text, at, depth, missing) : null;
    if (!found) { plain += text[at]; at += 1; continue; }
    const [node, next] = found;
    if (typeof node === "string") plain += node;
    else { if (node.type === "break") plain = plain.trimEnd(); flush(); out.push(node); }
    at = next;
  }
  flush();
  return out;
}

/** What begins at `at`, with the offset after it; null where nothing does. */
function special(text, at, depth, missing) {
  const c = text[at];
  if (c === "\\" && at + 1 < text.length) {
    if (text[at + 1] === "\n") return [{ type: "break" }, at + 2];
    return escapable.test(text[at + 1]) ? [text[at + 1], at + 2] : null;
  }
  if (c === "\n") return [/ {2}$/.test(text.slice(Math.max(0, at - 2), at)) ? { type: "break" } : "\n", at + 1];
  if (c === "`") return codeSpan(text, at, missing);
  if (c === "!" && text[at + 1] === "[") return link(text, at + 1, depth, missing);
  if (c === "[") return link(text, at, depth, missing);
  if (c === "<") return angled(text, at);
  if (c === "h" && !wordly.test(text[at - 1] ?? " ")) return bare(text, at);
  if (c === "*" || c === "_" || c === "~") return emphasis(text, at, depth, missing);
  return null;
}

function codeSpan(text, at, missing) {
  let end = at;
  while (text[end] === "`") end += 1;
  const mark = text.slice(at, end);
  if (!missing.has(mark)) {
    for (let close = text.indexOf(mark, end); close >= 0; close = text.indexOf(mark, close)) {
      let after = close;
      while (text[after] === "`") after += 1;
      if (after - close === mark.length) {
        const inside = text.slice(end, close).replaceAll("\n", " ");
        return [{ type: "code", text: /^ .*\S.* $/.test(inside) ? inside.slice(1, -1) : inside }, after];
      }
      close = after;
    }
    missing.add(mark);
  }
  return [mark, end];
}

function emphasis(text, at, depth, missing) {
  for (const [mark, type] of marks) {
    if (!text.startsWith(mark, at) || missing.has(mark)) continue;
    const begin = at + mark.length;
    if (begin >= text.length || /\s/.test(text[begin])) continue;
    if (mark[0] === "_" && wordly.test(text[at - 1] ?? " ")) continue;
    const close = closing(text, begin, mark);
    if (close < 0) { missing.add(mark); continue; }
    return [{ type, inside: inline(text.slice(begin, close), depth + 1) }, close + mark.length];
  }
  // The whole run is text, so that "**" is not tried again as "*".
  let end = at;
  while (text[end] === text[at]) end += 1;
  return [text.slice(at, end), end];
}

/** Where `mark` closes what begins at `begin`, or -1. */
function closing(text, begin, mark) {
  for (let at = begin; at < text.length; at += 1) {
    if (text[at] === "\\") { at += 1; continue; }
    if (text[at] === "`") {
      const end = text.indexOf("`", at + 1);
      if (end > 0) { at = end; continue; }
    }
    if (!text.startsWith(mark, at) || at === begin || /\s/.test(text[at - 1])) continue;
    if (mark.length === 1) {
      let run = at;
      while (text[run] === mark) run += 1;
      if (run - at === 2) { at = run - 1; continue; }
    } else if (text[at + mark.length] === mark[0]) {
      continue;
    }
    if (mark[0] === "_" && wordly.test(text[at + mark.length] ?? " ")) continue;
    return at;
  }
  return -1;
}

function link(text, at, depth, missing) {
  if (missing.has("[")) return null;
  const middle = text.indexOf("](", at);
  if (middle < 0) { missing.add("["); return null; }
  const label = text.slice(at + 1, middle);
  const end = text.indexOf(")", middle);
  if (end < 0 || label.length > 500 || label.includes("[")) return null;
  const address = safe(text.slice(middle + 2, end).trim().split(/\s+["']/)[0]);
  const inside = inline(label, depth + 1);
  return [address ? { type: "link", address, inside } : { type: "em", inside }, end + 1];
}

function angled(text, at) {
  const match = /^<(https?:[^\s<>]{1,2000})>/.exec(text.slice(at, at + 2010));
  const address = match && safe(match[1]);
  return address ? [{ type: "link", address, inside: [match[1]] }, at + match[0].length] : null;
}

function bare(text, at) {
  const match = /^https?:\/\/[^\s<>"'`*\u3000-\u303f\uff00-\uffef]{1,2000}/.exec(text.slice(at, at + 2010));
  if (!match) return null;
  const shown = match[0].replace(/[.,:;!?)\]}]+$/, "");
  const address = safe(shown);
  return address ? [{ type: "link", address, inside: [shown] }, at + shown.length] : null;
}

/** The address if it is one of http or https, else null: "javascript:" and relative ones are no links. */
function safe(address) {
  try {
    const url = new URL(address);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
