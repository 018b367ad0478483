/**
 * Where the cards lie in the bottleneck: a plane for two numbers, a line for one, cells for bits.
 *
 * @typedef {{code: number[], card: number}} Placed
 * @typedef {{bottleneck: "two"|"one"|"bits", bits: number, placed: Placed[], asked: number[]|null}} Space
 */
import { drawScaleX, drawScaleY } from "../../draw/axes.js";
import { drawDot, drawLine, drawText } from "../../draw/pen.js";
import { createPlot } from "../../draw/plot.js";
import { ticks } from "../../draw/scales.js";

const NAMES = { two: "first number", one: "the number", bits: "the bits" };

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme}} opts
 */
export function createCodeSpace(el, { theme }) {
  /** @type {Space} */
  let space = { bottleneck: "two", bits: 2, placed: [], asked: null };
  const plot = createPlot(el, {
    theme,
    className: "vw-code-space",
    label: "the codes",
    margins: [1.8, 1.4, 3, 3],
    paint(pen) {
      const { box, size, x } = pen;
      const { bottleneck, bits, placed, asked } = space;
      // The numbers are whole ones where nobody wrote another.
      const isWhole = [...placed.map(({ code }) => code), asked ?? []].flat().every(Number.isInteger);
      const whole = (/** @type {[number, number]} */ domain, /** @type {number} */ count) => {
        const values = ticks(...domain, Math.max(count, 2));
        return isWhole ? values.filter(Number.isInteger) : values;
      };
      if (bottleneck === "two") drawScaleY(pen, { label: "second number", at: whole(pen.y.domain, 5) });
      if (bottleneck === "bits") {
        const cells = 2 ** bits;
        // A digit is about half as wide as it is high; where all codes would touch, every second or fourth is written.
        let every = 1;
        while (every < cells && every * x.unit < (0.55 * bits + 0.8) * size) every *= 2;
        const at = Array.from({ length: cells / every }, (_, i) => i * every);
        const format = (/** @type {number} */ value) => value.toString(2).padStart(bits, "0");
        drawScaleX(pen, { label: NAMES.bits, at, format });
        for (let i = 1; i < cells; i++)
          drawLine(pen, [x(i - 0.5), box.top, x(i - 0.5), box.bottom], { color: "line" });
      } else drawScaleX(pen, { label: NAMES[bottleneck], at: whole(x.domain, box.width / (size * 6)) });
      /** How many stand at a place already. @type {Map<string, number>} */
      const taken = new Map();
      for (const { code, card } of placed) {
        const key = code.join();
        const level = taken.get(key) ?? 0;
        taken.set(key, level + 1);
        mark(pen, code, String(card), theme.classColor(card), level);
      }
      if (asked) mark(pen, asked, "?", theme.color("fg"), taken.get(asked.join()) ?? 0);
    },
  });

  /** @param {import("../../draw/pen.js").PlotPen} pen @param {number[]} code @param {string} text @param {string} fill @param {number} level */
  function mark(pen, code, text, fill, level) {
    const plane = space.bottleneck === "two";
    const index = space.bottleneck === "bits" ? code.reduce((sum, bit) => 2 * sum + bit, 0) : code[0];
    const radius = pen.size * 1.05;
    const x = pen.x(index) + (plane ? level * radius * 1.9 : 0);
    const y = plane ? pen.y(code[1]) : pen.box.bottom - radius * 1.3 - level * radius * 2.2;
    drawDot(pen, x, y, radius, { fill, color: "bg" });
    drawText(pen, text, x, y + 1, { color: theme.inkOn(fill), weight: "700", relative: 1.1 });
  }

  return {
    /** @param {Space} next */
    update(next) {
      space = next;
      plot.update(rangesOf(space));
      const names = space.placed.map(({ code, card }) => `${card} at ${code.join(", ")}`);
      plot.describe(names.length ? `the codes: ${names.join("; ")}` : "no codes yet");
    },
    destroy: () => plot.destroy(),
  };
}

/** Room for all codes, with a margin; at least 0 to 3. @param {Space} space @returns {import("../../draw/plot.js").Ranges} */
export function rangesOf({ bottleneck, bits, placed, asked }) {
  if (bottleneck === "bits") return { x: [-0.5, 2 ** bits - 0.5], y: [0, 1] };
  const codes = [...placed.map(({ code }) => code), ...(asked ? [asked] : [])];
  /** @param {number} axis @returns {[number, number]} */
  const around = (axis) => {
    const values = codes.map((code) => code[axis]).filter(Number.isFinite);
    const [lo, hi] = [Math.min(0, ...values), Math.max(3, ...values)];
    return [lo - (hi - lo) * 0.12, hi + (hi - lo) * 0.12];
  };
  return { x: around(0), y: bottleneck === "two" ? around(1) : [0, 1] };
}
