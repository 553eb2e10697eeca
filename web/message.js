// One message of the conversation as the page shows it.

import { copyButton } from "./copy.js";
import { element, icon } from "./dom.js";
import { Rendered } from "./render.js";
import { text } from "./strings.js";

/** What the user said, exactly as typed. */
export function userMessage(content) {
  return element("article", { class: "message from-user", "data-label": "you", "aria-label": text("you") },
    element("div", { class: "bubble" }, content));
}

/** An answer that grows. */
export class AnswerMessage {
  #body = element("div", { class: "body" });
  #footer = element("footer", { class: "footer" });
  #rendered = new Rendered(this.#body);
  #drawing = 0;
  #content = "";

  constructor(name) {
    this.element = element("article", { class: "message from-model", "aria-label": name }, this.#body, this.#footer);
    this.element.classList.add("growing");
  }

  get content() { return this.#content; }

  /** Draws at most once a frame, however fast pieces come. */
  add(piece) {
    this.#content += piece;
    if (this.#drawing === 0) this.#drawing = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    this.#rendered.show(this.#content);
    this.element.dispatchEvent(new CustomEvent("grown", { bubbles: true }));
  }

  /** Ends the answer. `note` is why it is not whole, "" if it is; `figures` are shown small. */
  finish({ note = "", failed = false, figures = "", again }) {
    this.#draw();
    this.element.classList.remove("growing");
    if (note) this.#body.after(element("p", failed ? { class: "failure", role: "alert" } : { class: "note" }, note));
    if (this.#content) this.#footer.append(copyButton("copy", () => this.#content));
    const button = element("button", { type: "button", class: "action again" }, icon("again"), element("span", { "data-text": "regenerate" }, text("regenerate")));
    button.addEventListener("click", again);
    this.#footer.append(button);
    if (figures) this.#footer.append(element("span", { class: "figures" }, figures));
  }

  /** Only the last answer can be made again. */
  settle() {
    this.element.querySelector(".again")?.remove();
  }
}
