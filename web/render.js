// The tree of markdown.js as elements of the page. Every text goes in as a text node.

import { copyButton } from "./copy.js";
import { element } from "./dom.js";
import { highlight } from "./highlight.js";
import { blocks } from "./markdown.js";

/** Shows a text that grows: draws only the blocks anew that have changed. */
export class Rendered {
  #place;
  #sources = [];

  constructor(place) {
    this.#place = place;
  }

  show(text) {
    const now = blocks(text);
    let same = 0;
    while (same < now.length && this.#sources[same] === now[same].source) same += 1;
    while (this.#place.children.length > same) this.#place.lastChild.remove();
    for (const block of now.slice(same)) this.#place.append(drawn(block));
    this.#sources = now.map((block) => block.source);
  }
}

const makers = {
  heading: (block) => element(`h${Math.min(block.level + 2, 6)}`, { class: `level-${block.level}` }, ...pieces(block.inline)),
  paragraph: (block) => element("p", {}, ...pieces(block.inline)),
  rule: () => element("hr"),
  quote: (block) => element("blockquote", {}, ...block.blocks.map(drawn)),
  list: (block) => element(block.ordered ? "ol" : "ul", block.ordered && block.start !== 1 ? { start: block.start } : {},
    ...block.items.map((item) => element("li", {}, ...tight(item)))),
  table,
  code,
};

const drawn = (block) => makers[block.type](block);

/** An item's first paragraph stands in the item itself. */
function tight(item) {
  if (item[0]?.type !== "paragraph") return item.map(drawn);
  return [...pieces(item[0].inline), ...item.slice(1).map(drawn)];
}

function table(block) {
  const cell = (tag) => (content, column) => element(tag, { class: `align-${block.align[column]}` }, ...pieces(content));
  const head = element("thead", {}, element("tr", {}, ...block.head.map(cell("th"))));
  const body = element("tbody", {}, ...block.rows.map((row) => element("tr", {}, ...row.map(cell("td")))));
  // Focusable, so that a wide table scrolls by keyboard too.
  return element("div", { class: "wide", tabindex: "0" }, element("table", {}, head, body));
}

function code(block) {
  const parts = highlight(block.text, block.language).map(([kind, text]) => (kind ? element("span", { class: `code-${kind}` }, text) : text));
  const bar = element("div", { class: "code-bar" }, element("span", {}, block.language || "text"), copyButton("copyCode", () => block.text));
  return element("div", { class: "code" }, bar, element("pre", { tabindex: "0" }, element("code", {}, ...parts)));
}

function pieces(nodes) {
  return nodes.map((node) => {
    if (typeof node === "string") return node;
    if (node.type === "break") return element("br");
    if (node.type === "code") return element("code", {}, node.text);
    const inside = pieces(node.inside);
    if (node.type !== "link") return element(node.type, {}, ...inside);
    return element("a", { href: node.address, target: "_blank", rel: "noopener noreferrer nofollow" }, ...inside);
  });
}
