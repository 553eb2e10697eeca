// The conversation: kept in memory only, answered as a stream, stopped, and answered again.

import { BrokenOff, Refusal, chat, continuation, lacksTemplate } from "./api.js";
import { byId } from "./dom.js";
import { AnswerMessage, userMessage } from "./message.js";
import { WrongParameter, chosenParameters, systemPrompt } from "./parameters.js";
import { text } from "./strings.js";

export class Chat {
  #messages = []; // {role, content}, as the API has them, without the system prompt
  #last = null; // the AnswerMessage at the end
  #abort = null; // of the answer under way
  #hasTemplate = true;

  /** `model()` finds out the model's name; `askKey()` asks for an API key and tells whether one was given; `onBusy(busy)`
   * hears of each answer. */
  constructor({ model, askKey, onBusy }) {
    this.model = model;
    this.askKey = askKey;
    this.onBusy = onBusy;
  }

  get busy() { return this.#abort !== null; }

  /** Sends `content` and shows the answer. False where a parameter is wrong and nothing was sent. */
  send(content) {
    if (this.busy) return false;
    const parameters = this.#parameters();
    if (!parameters) return false;
    this.#last?.settle();
    this.#messages.push({ role: "user", content });
    byId("welcome").hidden = true;
    byId("log").append(userMessage(content));
    this.#answer(parameters);
    return true;
  }

  stop() { this.#abort?.abort(); }

  restart() {
    this.stop();
    this.#messages = [];
    this.#last = null;
    byId("log").replaceChildren();
    byId("welcome").hidden = false;
  }

  #again() {
    if (this.busy) return;
    const parameters = this.#parameters();
    if (!parameters) return;
    if (this.#messages.at(-1)?.role === "assistant") this.#messages.pop();
    this.#last.element.remove();
    this.#answer(parameters);
    byId("prompt").focus();
  }

  #parameters() {
    try {
      byId("notice").hidden = this.#hasTemplate;
      byId("notice").textContent = this.#hasTemplate ? "" : text("noTemplate");
      return chosenParameters();
    } catch (error) {
      if (!(error instanceof WrongParameter)) throw error;
      byId("notice").textContent = error.message;
      byId("notice").hidden = false;
      return null;
    }
  }

  async #answer(parameters) {
    const messages = this.#messages;
    const answer = new AnswerMessage("Caravan");
    this.#last = answer;
    this.#abort = new AbortController();
    byId("log").append(answer.element);
    byId("log").setAttribute("aria-busy", "true");
    byId("status").textContent = text("answering");
    answer.add("");
    this.onBusy(true);
    const result = await this.#stream(answer, parameters, this.#abort.signal);
    // Started over meanwhile: what came belongs to no conversation.
    if (messages === this.#messages && answer.content) messages.push({ role: "assistant", content: answer.content });
    answer.finish({ ...result, again: () => this.#again() });
    this.#abort = null;
    byId("log").removeAttribute("aria-busy");
    byId("status").textContent = result.note || text("answered");
    this.onBusy(false);
  }

  /** Streams into `answer`; gives what its end is to say. Never throws. */
  async #stream(answer, parameters, signal) {
    const system = systemPrompt();
    const messages = system ? [{ role: "system", content: system }, ...this.#messages] : this.#messages;
    const clock = { start: performance.now(), first: 0, pieces: 0, usage: null, finish: null };
    try {
      for await (const piece of this.#pieces(messages, parameters, signal)) {
        if (piece.text && clock.first === 0) clock.first = performance.now();
        if (piece.text) clock.pieces += 1;
        clock.usage = piece.usage ?? clock.usage;
        clock.finish = piece.finish ?? clock.finish;
        answer.add(piece.text);
      }
      return { note: clock.finish === "length" ? text("cutShort") : "", figures: figuresOf(clock) };
    } catch (error) {
      if (signal.aborted) return { note: text("stopped"), figures: figuresOf(clock) };
      return { note: wordsFor(error), failed: true };
    }
  }

  /** The pieces of the answer; asks for a key, or falls back to continuing the text, where the server says so. */
  async *#pieces(messages, parameters, signal) {
    for (;;) {
      try {
        const model = await this.model();
        yield* (this.#hasTemplate ? chat : continuation)(model, messages, parameters, signal);
        return;
      } catch (error) {
        if (error instanceof Refusal && error.status === 401 && await this.askKey()) continue;
        if (!this.#hasTemplate || !lacksTemplate(error)) throw error;
        this.#hasTemplate = false;
        byId("notice").textContent = text("noTemplate");
        byId("notice").hidden = false;
      }
    }
  }
}

function figuresOf({ start, first, pieces, usage }) {
  if (first === 0) return "";
  const tokens = usage?.completion_tokens ?? pieces;
  const seconds = (performance.now() - first) / 1000;
  const speed = tokens > 1 && seconds > 0 ? (tokens - 1) / seconds : 0;
  return text("answerStats", tokens, duration((first - start) / 1000), speed.toFixed(speed < 10 ? 1 : 0));
}

const duration = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`);

function wordsFor(error) {
  if (error instanceof Refusal) return text("failedStatus", error.status, error.message);
  if (error instanceof BrokenOff) return text("failedStream");
  return error instanceof TypeError ? text("failedNetwork") : String(error.message ?? error);
}
