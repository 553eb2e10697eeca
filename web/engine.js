// The live view of the engine: GET /metrics-json every second, while the panel can be seen.

import { figures } from "./api.js";
import { Chart } from "./chart.js";
import { byId, element } from "./dom.js";
import { locale, text } from "./strings.js";

const kSeconds = 120; // that the charts show

const count = (value) => (value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1));
const time = (seconds) => (seconds >= 1 ? `${seconds.toFixed(2)} s` : `${(seconds * 1000).toFixed(seconds < 0.01 ? 2 : seconds < 0.1 ? 1 : 0)} ms`);
const percent = (share) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
const bytes = (value) => (value >= 1e9 ? `${(value / 1e9).toFixed(2)} GB` : `${(value / 1e6).toFixed(0)} MB`);
const inUnit = (value, unit) => new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "short" }).format(Math.floor(value));
const span = (seconds) => {
  if (seconds < 60) return inUnit(seconds, "second");
  if (seconds < 3600) return inUnit(seconds / 60, "minute");
  if (seconds < 86400) return `${inUnit(seconds / 3600, "hour")} ${inUnit((seconds / 60) % 60, "minute")}`;
  return `${inUnit(seconds / 86400, "day")} ${inUnit((seconds / 3600) % 24, "hour")}`;
};
const together = (words) => words.replaceAll(" ", "\u00a0"); // on one line

export class EngineView {
  #before = null; // the figures of the last poll
  #tiles = {};
  #meter = element("div", { class: "meter", role: "meter", "aria-valuemin": "0", "aria-valuemax": "100", "data-label": "kvCache" }, element("div", { class: "meter-fill" }), element("div", { class: "meter-cached" }));
  #kv = element("span", { class: "kv-text" });
  #facts = element("p", { class: "facts" });
  #charts = {
    speed: new Chart("speedChart", count, kSeconds),
    batch: new Chart("batchChart", count, kSeconds, ["seriesRunning", "seriesWaiting"]),
    ttft: new Chart("ttftChart", time, kSeconds),
    tpot: new Chart("tpotChart", time, kSeconds),
  };

  constructor() {
    const tile = (name) => {
      this.#tiles[name] = element("dd", {}, "–");
      return element("div", { class: "tile" }, element("dt", { "data-text": name }), this.#tiles[name]);
    };
    const tiles = element("dl", { class: "tiles" }, ...["running", "waiting", "speed", "prefixHits"].map(tile));
    const kv = element("div", { class: "kv" }, element("div", { class: "kv-head" }, element("span", { "data-text": "kvCache" }), this.#kv), this.#meter);
    byId("engine").append(tiles, kv, ...Object.values(this.#charts).map((chart) => chart.element), this.#facts);
    setInterval(() => this.poll(), 1000);
    document.addEventListener("visibilitychange", () => this.poll());
  }

  /** Reads the figures once, if anybody can see them. */
  async poll() {
    if (document.visibilityState !== "visible" || byId("panel").hidden || this.reading) return;
    this.reading = true;
    try {
      this.#show(await figures());
      this.#say("live");
    } catch {
      this.#before = null;
      this.#say("unavailable");
    } finally {
      this.reading = false;
    }
  }

  /** In the language of now. */
  retranslate() {
    for (const chart of Object.values(this.#charts)) chart.draw();
    if (this.#before) this.#showStanding(this.#before);
  }

  #say(state) {
    byId("engine-state").dataset.text = state;
    byId("engine-state").textContent = text(state);
    byId("engine-state").classList.toggle("on", state === "live");
  }

  #show(now) {
    const before = this.#before;
    this.#before = now;
    this.#showStanding(now);
    const passed = before ? now.time - before.time : 0;
    // A server that was started anew counts from nothing again.
    if (passed <= 0 || now.tokens.generated < before.tokens.generated) return;
    const speed = (now.tokens.generated - before.tokens.generated) / passed;
    this.#tiles.speed.textContent = count(speed);
    this.#charts.speed.add(speed);
    this.#charts.batch.add(now.requests.running, now.requests.waiting);
    this.#charts.ttft.add(meanSince(before.ttft, now.ttft));
    this.#charts.tpot.add(meanSince(before.inter_token, now.inter_token));
  }

  #showStanding({ requests, kv, prefix_cache: prefix, server, uptime }) {
    this.#tiles.running.textContent = requests.running;
    this.#tiles.waiting.textContent = requests.waiting;
    this.#tiles.prefixHits.textContent = prefix.query_tokens > 0 ? percent(prefix.hit_tokens / prefix.query_tokens) : "–";
    this.#kv.textContent = kv.total_blocks > 0 ? text("kvBlocks", kv.used_blocks, kv.total_blocks) : text("kvNone");
    const cached = kv.total_blocks > 0 ? kv.cached_blocks / kv.total_blocks : 0;
    this.#meter.setAttribute("aria-valuenow", Math.round(kv.usage * 100));
    this.#meter.setAttribute("aria-valuetext", `${percent(kv.usage)}, ${this.#kv.textContent}`);
    this.#meter.children[0].style.width = `${kv.usage * 100}%`;
    this.#meter.children[1].style.width = `${cached * 100}%`;
    this.#facts.textContent = [[text("streams"), server.open_streams], [text("memory"), bytes(server.resident_bytes)], [text("uptime"), span(uptime)]]
      .map(([name, value]) => together(`${name} ${value}`)).join(" · ");
  }
}

/** The mean of what was counted between two polls; null where nothing was. */
function meanSince(before, now) {
  const more = now.count - before.count;
  return more > 0 ? (now.sum - before.sum) / more : null;
}
