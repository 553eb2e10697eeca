// The server, as the page asks it: models, answers as streams, figures. Adds the API key; says when one is missing.

import { events } from "./sse.js";

/** What the server answered instead of what was asked for. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** A stream that ended before it said that it was done. */
export class BrokenOff extends Error {}

// The key lives in this tab's session only.
const keyName = "caravan.key";
export const hasKey = () => sessionStorage.getItem(keyName) !== null;
export const setKey = (key) => sessionStorage.setItem(keyName, key);
export const forgetKey = () => sessionStorage.removeItem(keyName);

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (hasKey()) headers.Authorization = `Bearer ${sessionStorage.getItem(keyName)}`;
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  throw new Refusal(response.status, await reason(response));
}

/** The sentence in an error's body, in any of the dialects' forms; else the status' own text. */
async function reason(response) {
  const body = await response.text();
  try {
    const json = JSON.parse(body);
    return json.error?.message ?? json.message ?? (typeof json.error === "string" ? json.error : body);
  } catch {
    return body.trim() || response.statusText;
  }
}

export async function firstModel() {
  const list = await (await ask("/v1/models")).json();
  return list.data?.[0]?.id ?? null;
}

export async function figures() {
  return (await (await ask("/metrics-json", { cache: "no-store" })).json()).caravan;
}

async function* chunks(path, body, signal) {
  const response = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Refusal(Number(chunk.error.code) || 500, chunk.error.message ?? String(chunk.error));
    yield chunk;
  }
  throw new BrokenOff();
}

/** Pieces {text, finish, usage} of the answer to `messages`, by the model's chat template. */
export async function* chat(model, messages, parameters, signal) {
  for await (const chunk of chunks("/v1/chat/completions", { model, messages, ...parameters }, signal)) {
    const choice = chunk.choices?.[0];
    yield { text: choice?.delta?.content ?? "", finish: choice?.finish_reason ?? null, usage: chunk.usage ?? null };
  }
}

/** The same, for a model without a template: it continues the text that the messages make together. */
export async function* continuation(model, messages, parameters, signal) {
  const prompt = messages.map((message) => message.content).join("");
  for await (const chunk of chunks("/v1/completions", { model, prompt, ...parameters }, signal)) {
    const choice = chunk.choices?.[0];
    yield { text: choice?.text ?? "", finish: choice?.finish_reason ?? null, usage: chunk.usage ?? null };
  }
}

/** Whether `error` says that the model has no chat template. */
export function lacksTemplate(error) {
  return error instanceof Refusal && error.status === 400 && /chat[ _]template/i.test(error.message);
}
