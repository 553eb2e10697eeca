// Puts the page together: the composer, the toolbar, the panel, and the dialog that asks for a key.

import { Refusal, firstModel, forgetKey, hasKey, setKey } from "./api.js";
import { Chat } from "./chat.js";
import { byId, element } from "./dom.js";
import { EngineView } from "./engine.js";
import { keep } from "./kept.js";
import { buildParameters } from "./parameters.js";
import { switchLanguage, text, translate } from "./strings.js";

buildParameters();
const chat = new Chat({ model, askKey, onBusy: showBusy });
const engine = new EngineView();
const prompt = byId("prompt");

// The composer.

function fitPrompt() {
  prompt.style.height = "auto";
  prompt.style.height = `${prompt.scrollHeight}px`;
  byId("send").disabled = prompt.value.trim() === "";
}

function submit() {
  if (prompt.value.trim() === "" || chat.busy) return;
  const content = prompt.value;
  if (!chat.send(content)) return;
  prompt.value = "";
  fitPrompt();
}

function showBusy(busy) {
  // The focus goes with the button that takes the other's place.
  const focused = document.activeElement;
  const moves = focused === byId("send") || focused === byId("stop");
  byId("send").hidden = busy;
  byId("stop").hidden = !busy;
  if (moves) (busy ? byId("stop") : prompt).focus();
}

prompt.addEventListener("input", fitPrompt);
prompt.addEventListener("keydown", (event) => {
  // While a Chinese or Japanese word is being put together, Enter belongs to the input method.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  submit();
});
byId("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
byId("stop").addEventListener("click", () => chat.stop());
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || byId("key-dialog").open) return;
  if (chat.busy) chat.stop();
  else if (!byId("panel").hidden && narrow.matches) showPanel(false);
});

for (const key of ["example1", "example2", "example3"]) {
  const button = element("button", { type: "button", "data-text": key });
  button.addEventListener("click", () => { prompt.value = button.textContent; fitPrompt(); prompt.focus(); });
  byId("examples").append(button);
}

// The answer stays in view as it grows, unless the reader has scrolled away from its end.

const scroll = byId("scroll");
let following = true;
scroll.addEventListener("scroll", () => { following = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60; });
const follow = () => { if (following) scroll.scrollTop = scroll.scrollHeight; };
scroll.addEventListener("grown", follow);
new MutationObserver(follow).observe(byId("log"), { childList: true });

// The toolbar and the panel.

const narrow = matchMedia("(max-width: 1023px)");

function showPanel(shown) {
  const hadFocus = byId("panel").contains(document.activeElement);
  byId("panel").hidden = !shown;
  byId("panel-toggle").setAttribute("aria-expanded", String(shown));
  // On a phone the panel lies over the conversation, which is out of reach meanwhile.
  document.querySelector("main").inert = shown && narrow.matches;
  if (shown && narrow.matches) byId("panel-close").focus();
  if (!shown && hadFocus) byId("panel-toggle").focus();
  if (shown) engine.poll();
}

narrow.addEventListener("change", () => showPanel(!narrow.matches));
byId("panel-toggle").addEventListener("click", () => showPanel(byId("panel").hidden));
byId("panel-close").addEventListener("click", () => showPanel(false));
byId("new-chat").addEventListener("click", () => { chat.restart(); prompt.focus(); });
byId("language").addEventListener("click", () => { switchLanguage(); engine.retranslate(); });
byId("theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  keep("caravan.theme", theme);
});

// The API key.

let asking = null; // the dialog's outcome, while it is open

/** Asks for a key, once however many want it; resolves to whether one was given. */
function askKey() {
  asking ??= openKeyDialog().finally(() => { asking = null; });
  return asking;
}

function openKeyDialog() {
  const dialog = byId("key-dialog");
  byId("key").value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const done = () => {
      dialog.removeEventListener("close", done);
      showKeyCard();
      resolve(dialog.returnValue === "given");
    };
    dialog.returnValue = "";
    dialog.addEventListener("close", done);
  });
}

function showKeyCard() { byId("key-card").hidden = !hasKey(); }

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(byId("key").value);
  byId("key-dialog").close("given");
});
byId("key-cancel").addEventListener("click", () => byId("key-dialog").close(""));
byId("key-forget").addEventListener("click", () => { forgetKey(); showKeyCard(); });

// The model.

let known = null; // its name, once somebody wants it

/** The name of the model that answers. Throws what keeps it from being known; the next call tries again. */
function model() {
  known ??= firstModel().catch((error) => { known = null; throw error; });
  return known;
}

async function showModel() {
  try {
    const name = await model();
    byId("model").textContent = name;
    byId("model").hidden = !name;
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) {
      if (await askKey()) await showModel();
      return;
    }
    byId("notice").textContent = error instanceof Refusal ? text("failedStatus", error.status, error.message) : text("failedNetwork");
    byId("notice").hidden = false;
  }
}

translate();
showKeyCard();
showPanel(!narrow.matches);
fitPrompt();
showModel();
if (!narrow.matches) prompt.focus();
