// A small line chart as SVG: the latest values of one or two series against time.

import { element, svg } from "./dom.js";
import { text } from "./strings.js";

const kWidth = 300;
const kHeight = 64;
/** Above the largest value: room for its label (panel.css), which a line must not cross. */
const kHead = 20;

export class Chart {
  #title;
  #format;
  #kept;
  #names;
  #series;
  #drawing = svg("svg", { viewBox: `0 0 ${kWidth} ${kHeight}`, preserveAspectRatio: "none", role: "img" });
  #value = element("span", { class: "chart-value" });
  #most = element("span", { class: "chart-most", "aria-hidden": "true" });

  /** `title` is a text's key; `format(value)` writes a value; `kept` values are shown, of each of the series
   * that `names` (keys too) tell apart, or of one. */
  constructor(title, format, kept, names = [""]) {
    this.#title = title;
    this.#format = format;
    this.#kept = kept;
    this.#names = names;
    this.#series = names.map(() => []);
    const head = element("figcaption", {}, element("span", { "data-text": title }, text(title)), this.#value);
    this.element = element("figure", { class: "chart" }, head, element("div", { class: "plot" }, this.#drawing, this.#most));
  }

  /** Adds one value to each series; null is a gap. */
  add(...values) {
    this.#series.forEach((series, i) => {
      series.push(values[i]);
      if (series.length > this.#kept) series.shift();
    });
    this.draw();
  }

  draw() {
    const known = this.#series.flat().filter((value) => value !== null);
    const most = Math.max(0, ...known);
    this.#value.textContent = known.length > 0 ? this.#series.map((series, i) => this.#now(series, this.#names[i])).join(" · ") : text("nothingYet");
    this.#most.textContent = most > 0 ? this.#format(most) : "";
    this.#drawing.setAttribute("aria-label", text("chartSummary", text(this.#title), this.#value.textContent, this.#format(most)));
    const lines = [];
    this.#series.forEach((series, i) => lines.push(...this.#line(series, most, `series-${i}`)));
    this.#drawing.replaceChildren(...lines);
  }

  #now(series, name) {
    const value = this.#format(series.findLast((one) => one !== null) ?? 0);
    return name ? `${value} ${text(name)}` : value;
  }

  /** The newest value stands at the right edge; a gap in the values is a gap in the line. */
  #line(series, most, name) {
    const step = kWidth / (this.#kept - 1);
    const x = (i) => (kWidth - (series.length - 1 - i) * step).toFixed(1);
    const y = (value) => (kHeight - 1 - (most > 0 ? value / most : 0) * (kHeight - 1 - kHead)).toFixed(1);
    const runs = [];
    series.forEach((value, i) => {
      if (value === null) return;
      if (i === 0 || series[i - 1] === null) runs.push([]);
      runs.at(-1).push([x(i), y(value)]);
    });
    return runs.flatMap((points) => {
      const path = points.map((point) => point.join(",")).join(" L");
      const area = `M${points[0][0]},${kHeight} L${path} L${points.at(-1)[0]},${kHeight} Z`;
      const stroke = svg("path", { class: `stroke ${name}`, d: points.length > 1 ? `M${path}` : `M${path} h0.1` });
      return name === "series-0" ? [svg("path", { class: `area ${name}`, d: area }), stroke] : [stroke];
    });
  }
}
