/**
 * Where the cards lie in the bottleneck: a plane for two numbers, a line for one, cells for bits.
 *
 * @typedef {{code: number[], card: number, faint?: boolean}} Placed
 * @typedef {{bottleneck: "two"|"one"|"bits", bits: number, placed: Placed[], asked: number[]|null}} Space
 */
import { createPlot, drawLine, drawScaleX, drawScaleY, drawText } from "../../draw/plot.js";

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
      const range = rangesOf(space);
      if (space.bottleneck === "two") drawScaleY(pen, range.y, { label: "second number", count: 5 });
      const cells = 2 ** space.bits;
      // A digit is about half as wide as it is high; where all codes would touch, every second or fourth is written.
      const wide = (0.55 * space.bits + 0.8) * pen.size;
      let every = 1;
      while (every < cells && pen.x(every) - pen.x(0) < wide) every *= 2;
      const at =
        space.bottleneck === "bits" ? Array.from({ length: cells / every }, (_, i) => i * every) : undefined;
      drawScaleX(pen, range.x, {
        label:
          space.bottleneck === "two"
            ? "first number"
            : space.bottleneck === "one"
              ? "the number"
              : "the bits",
        at,
        format: at ? (value) => value.toString(2).padStart(space.bits, "0") : undefined,
      });
      if (at)
        for (let i = 1; i < cells; i++) {
          const x = pen.x(i - 0.5);
          drawLine(pen, [x, pen.box.top, x, pen.box.bottom], { color: theme.color("line"), width: 1 });
        }
      /** How many stand at a place already. @type {Map<string, number>} */
      const taken = new Map();
      for (const { code, card, faint } of space.placed) {
        const key = code.join();
        const level = taken.get(key) ?? 0;
        taken.set(key, level + 1);
        mark(pen, code, String(card), theme.classColor(card), level, faint === true);
      }
      if (space.asked)
        mark(pen, space.asked, "?", theme.color("fg"), taken.get(space.asked.join()) ?? 0, false);
    },
  });

  /** @param {import("../../draw/plot.js").Pen} pen @param {number[]} code @param {string} text @param {string} color @param {number} level @param {boolean} faint */
  function mark(pen, code, text, color, level, faint) {
    const { context, size, box } = pen;
    const plane = space.bottleneck === "two";
    const index = space.bottleneck === "bits" ? code.reduce((sum, bit) => 2 * sum + bit, 0) : code[0];
    const radius = size * 1.05;
    const x = pen.x(index) + (plane ? level * radius * 1.9 : 0);
    const y = plane ? pen.y(code[1]) : box.bottom - radius * 1.3 - level * radius * 2.2;
    context.globalAlpha = faint ? 0.4 : 1;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = color;
    context.strokeStyle = pen.theme.color("bg");
    context.lineWidth = 2;
    context.fill();
    context.stroke();
    drawText(pen, text, x, y + 1, {
      color: pen.theme.inkOn(color),
      weight: "700",
      relative: 1.1,
    });
    context.globalAlpha = 1;
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
