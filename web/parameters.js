// The fields of a request that the user may set. An empty field is not sent: the server's default holds then.

import { byId, element } from "./dom.js";
import { text } from "./strings.js";

const numbers = [
  { name: "temperature", label: "temperature", min: 0, max: 2, step: 0.05, mode: "decimal" },
  { name: "top_p", label: "topP", min: 0, max: 1, step: 0.05, mode: "decimal" },
  { name: "top_k", label: "topK", min: -1, max: 1000000, step: 1, mode: "numeric" },
  { name: "max_tokens", label: "maxTokens", min: 1, max: 1000000, step: 1, mode: "numeric" },
  { name: "seed", label: "seed", min: 0, max: 2147483647, step: 1, mode: "numeric" },
];

/** A field's value is not one that can be sent. */
export class WrongParameter extends Error {}

export function buildParameters() {
  const form = byId("parameters");
  const system = element("textarea", { id: "system", rows: "3", "aria-describedby": "system-hint" });
  form.append(field("systemPrompt", "system", system, element("p", { id: "system-hint", class: "hint", "data-text": "systemHint" })));
  for (const { name, label, min, max, step, mode } of numbers) {
    const input = element("input", { id: name, type: "number", min, max, step: mode === "decimal" ? "any" : step, inputmode: mode, "data-placeholder": "serverDefault" });
    form.append(field(label, name, input));
  }
  form.append(field("stopStrings", "stop-strings", element("textarea", { id: "stop-strings", rows: "2", spellcheck: "false" })));
  form.addEventListener("submit", (event) => event.preventDefault());
}

function field(label, id, control, ...more) {
  const wide = control.tagName === "TEXTAREA" ? "entry wide-entry" : "entry";
  return element("div", { class: wide }, element("label", { for: id, "data-text": label }), control, ...more);
}

export const systemPrompt = () => byId("system").value.trim();

/** What is set, under the API's names. Throws WrongParameter and puts the focus on the field that is wrong. */
export function chosenParameters() {
  const chosen = {};
  for (const { name, label } of numbers) {
    const input = byId(name);
    if (!input.validity.valid) {
      byId("panel").hidden = false;
      input.focus();
      throw new WrongParameter(text("failedNumber", text(label)));
    }
    if (input.value !== "") chosen[name] = Number(input.value);
  }
  const stop = byId("stop-strings").value.split("\n").filter((line) => line !== "");
  if (stop.length > 0) chosen.stop = stop.map((line) => line.replaceAll("\\n", "\n").replaceAll("\\t", "\t"));
  return chosen;
}
