// Buttons that copy a text, and say that they did.

import { element, icon } from "./dom.js";
import { text } from "./strings.js";

/** A button named by the text `key`, which copies what `source()` gives when it is pressed. */
export function copyButton(key, source) {
  const word = element("span", { "data-text": key }, text(key));
  const button = element("button", { type: "button", class: "action" }, icon("copy"), word);
  button.addEventListener("click", async () => {
    const copied = await copy(source());
    word.dataset.text = copied ? "copied" : "copyFailed";
    word.textContent = text(word.dataset.text);
    setTimeout(() => { word.dataset.text = key; word.textContent = text(key); }, 1600);
  });
  return button;
}

/** Browsers give the clipboard to https and to this machine only; elsewhere the older way still works. */
async function copy(value) {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    const area = element("textarea", { class: "hidden" });
    area.value = value;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
