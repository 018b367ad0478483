/**
 * When each unit was alive: a bar a unit from its birth to its death, over the steps of the training.
 *
 * @typedef {{unit: number, born: number|null, died: number|null}} Life
 * @typedef {{latent_dim: number, delta: number, first: number, last: number, dead: number, never: number,
 *   units: Life[]}} Lives
 */

import { drawScaleX } from "../../draw/axes.js";
import { drawText, fillBox } from "../../draw/pen.js";
import { createPlot } from "../../draw/plot.js";
import { band } from "../../draw/scales.js";
import { dimName, formatCount } from "../../maths/format.js";

/** Of so many units each has room for its name. */
const MOST_NAMED = 24;
const TALL_EM = 17;

/** "z₃ at step 1,200, z₇ at step 1,400" @param {Lives} lives @param {number} [most] */
export function deaths({ units }, most = 6) {
  const died = units.filter((one) => one.died !== null).sort((a, b) => Number(a.died) - Number(b.died));
  const said = died
    .slice(0, most)
    .map(({ unit, died: at }) => `${dimName(unit)} at step ${formatCount(Number(at))}`);
  return said.join(", ") + (died.length > most ? ", …" : "");
}

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme}} opts
 */
export function createLives(el, { theme }) {
  /** @type {Lives | null} */
  let lives = null;
  const plot = createPlot(el, {
    theme,
    className: "vw-lives",
    label: "when units were active",
    margins: [0.4, 1, 2.9, 3.2],
    paint(pen) {
      if (!lives) return;
      const { box, size, x } = pen;
      drawScaleX(pen, { label: "step" });
      const rows = band(lives.units.length, [box.top, box.bottom]);
      const thick = Math.max(Math.min(rows.step * 0.6, 6), 1);
      for (const [row, { unit, born, died }] of lives.units.entries()) {
        const y = rows(row);
        if (lives.units.length <= MOST_NAMED && rows.step > size * 0.62)
          drawText(pen, dimName(unit), box.left - size * 0.5, y, { align: "right", relative: 0.8 });
        fillBox(pen, "line", box.left, y - 0.5, box.width, 1);
        if (born === null) continue;
        const to = x(died ?? x.domain[1]);
        fillBox(pen, died === null ? "kl" : "off", x(born), y - thick / 2, Math.max(to - x(born), 2), thick);
        if (died !== null) drawText(pen, "×", to, y, { color: "fg", relative: 0.9 });
      }
    },
  });
  return {
    /** @param {Lives} next */
    update(next) {
      lives = next;
      plot.el.style.height = `${Math.min(Math.max(next.units.length * 0.9, 3) + 3.4, TALL_EM + 3.4)}em`;
      plot.describe(
        `${next.latent_dim - next.dead - next.never} of ${next.latent_dim} units alive; died: ${deaths(next) || "none"}`,
      );
      plot.update({ x: [next.first, Math.max(next.last, next.first + 1)], y: [0, 1] });
    },
    destroy: () => plot.destroy(),
  };
}
