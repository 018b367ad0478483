/**
 * A row for each dimension: its KL as shift and spread, and the two pulls on its mean. Knows no widget.
 *
 * @typedef {{name: string, shift: number, spread: number, recon: number | null, kl: number}} Row  recon: null, not known
 */
import { drawLine, drawText, fillBox } from "../../draw/pen.js";
import { createPicture } from "../../draw/picture.js";
import { linear } from "../../draw/scales.js";
import { h } from "../../host/dom.js";
import { formatFixed, formatNumber } from "../../maths/format.js";

export const MOST_ROWS = 12;
const ROW_EM = 2.6;
const HEAD_EM = 2.2;

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme}} opts
 */
export function createDimensions(el, { theme }) {
  const wrap = h("div", "vw-micro-dims");
  el.append(wrap);
  /** @type {Row[]} */
  let rows = [];
  const picture = createPicture(wrap, {
    theme,
    className: "vw-micro-dims-canvas",
    label: "KL and pulls of each dimension",
    arrange() {
      const height = `${(HEAD_EM + rows.length * ROW_EM).toFixed(2)}em`;
      if (wrap.style.height !== height) wrap.style.height = height;
    },
    paint(pen) {
      const { size, width } = pen;
      const names = size * 2.4;
      const middle = names + (width - names) * 0.46;
      const numbers = size * 3;
      const kl = linear(
        [0, Math.max(...rows.map(({ shift, spread }) => shift + spread), 0.5)],
        [names, middle - numbers],
      );
      const most = Math.max(...rows.flatMap((row) => [Math.abs(row.recon ?? 0), Math.abs(row.kl)]), 0.1);
      const pull = linear([-most, most], [middle + size, width - 4]);
      const head = /** @type {const} */ ({ align: "left", weight: "600", color: "fg", baseline: "top" });
      drawText(pen, "KL, nats", names, 0, head);
      drawText(pen, "pull on μ", middle + size, 0, head);
      drawLine(pen, [pull(0), size * 1.8, pull(0), size * (HEAD_EM + rows.length * ROW_EM)], {
        color: "fg3",
      });
      rows.forEach((row, i) => {
        drawRow(pen, row, size * (HEAD_EM + (i + 0.5) * ROW_EM), { names, kl, pull });
      });
    },
  });

  /**
   * @param {import("../../draw/pen.js").Pen} pen @param {Row} row @param {number} y
   * @param {{names: number, kl: import("../../draw/scales.js").Scale, pull: import("../../draw/scales.js").Scale}} at
   */
  function drawRow(pen, row, y, { names, kl, pull }) {
    const { size, context } = pen;
    drawText(pen, row.name, 0, y, { align: "left", color: "fg" });
    const high = size * 1.1;
    const [mid, end] = [kl(row.shift), kl(row.shift + row.spread)];
    fillBox(pen, "kl", names, y - high / 2, Math.max(mid - names, 0), high);
    context.globalAlpha = 0.45;
    fillBox(pen, "kl", mid, y - high / 2, Math.max(end - mid, 0), high);
    context.globalAlpha = 1;
    drawText(pen, formatFixed(row.shift + row.spread, 2), end + size * 0.4, y, {
      align: "left",
      relative: 0.92,
    });
    const arrow = (/** @type {number} */ value, /** @type {string} */ color, /** @type {number} */ at) => {
      const [from, to] = [pull(0), pull(value)];
      const head = Math.min(size * 0.55, Math.abs(to - from)) * Math.sign(to - from);
      drawLine(pen, [from, at, to - head, at], { color, width: size * 0.26 });
      drawLine(pen, [to, at, to - head, at - size * 0.34, to - head, at + size * 0.34], { fill: color });
    };
    if (row.recon === null) drawText(pen, "?", pull(0) + size, y - size * 0.45, { color: "recon" });
    else arrow(row.recon, "recon", y - size * 0.45);
    arrow(row.kl, "kl", y + size * 0.45);
  }

  return {
    /** @param {Row[]} next */
    update(next) {
      rows = next;
      /** @param {Row} row */
      const say = ({ name, shift, spread, recon, kl }) =>
        `${name}: KL ${formatFixed(shift + spread, 2)}, shift ${formatFixed(shift, 2)}, spread ${formatFixed(spread, 2)}; pulls: recon ${recon === null ? "unknown" : formatNumber(recon, 3)}, KL ${formatNumber(kl, 3)}`;
      picture.describe(rows.map(say).join(". "));
      picture.request();
    },
    destroy() {
      picture.destroy();
      wrap.remove();
    },
  };
}
