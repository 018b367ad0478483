/**
 * The codes of a codebook as cells, stronger the more they are used; dead ones are crossed out. The arrow keys and the
 * pointer go from code to code.
 */

import { drawLine, fillBox } from "../../draw/pen.js";
import { createPicture } from "../../draw/picture.js";
import { clamp } from "../../draw/scales.js";
import { h, OWN_KEYS, setAttributes } from "../../host/dom.js";
import { ARROWS, takeKey } from "../../host/input.js";
import { localOf } from "../../host/pointer.js";
import { formatCount } from "../../maths/format.js";

const LEAST_CELL_PX = 14;
const MOST_CELL_PX = 56;

/**
 * Columns and size of the cells of `n` codes in a width.
 * @param {number} n @param {number} width CSS pixels
 */
export function layout(n, width) {
  const wish = Math.ceil(Math.sqrt(n * 2.5));
  const columns = Math.max(Math.min(wish, Math.floor(width / LEAST_CELL_PX), n), 1);
  const cell = Math.min(Math.floor(width / columns), MOST_CELL_PX);
  return { columns, cell, rows: Math.ceil(n / columns) };
}

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme, onPoint: (code: number | null) => void}} opts
 */
export function createCodeCells(el, { theme, onPoint }) {
  const wrap = h("div", "vw-cells", { tabindex: 0, role: "application", ...OWN_KEYS });
  el.append(wrap);
  /** @type {{counts: Int32Array, code: number|null}} */
  let state = { counts: new Int32Array(0), code: null };
  let grid = layout(1, 100);

  const picture = createPicture(wrap, {
    theme,
    className: "vw-cells-canvas",
    label: "codes by use",
    arrange() {
      grid = layout(state.counts.length, wrap.clientWidth);
      picture.canvas.style.height = `${grid.rows * grid.cell}px`;
    },
    paint(pen) {
      const { context } = pen;
      const most = Math.max(...state.counts, 1);
      const { cell, columns } = grid;
      state.counts.forEach((count, i) => {
        const x = (i % columns) * cell;
        const y = Math.floor(i / columns) * cell;
        fillBox(pen, "line", x + 1, y + 1, cell - 2, cell - 2);
        // the eye reads areas and tones about as square roots
        context.globalAlpha = count > 0 ? 0.15 + 0.85 * Math.sqrt(count / most) : 0;
        fillBox(pen, "accent", x + 1, y + 1, cell - 2, cell - 2);
        context.globalAlpha = 1;
        const [near, far] = [cell * 0.3, cell * 0.7];
        if (count === 0) {
          drawLine(pen, [x + near, y + near, x + far, y + far], { color: "fg3" });
          drawLine(pen, [x + far, y + near, x + near, y + far], { color: "fg3" });
        }
        if (i !== state.code) return;
        context.strokeStyle = theme.color("fg");
        context.lineWidth = 2;
        context.strokeRect(x + 1, y + 1, cell - 2, cell - 2);
      });
    },
  });

  /** @param {PointerEvent} event */
  const onMove = (event) => {
    const [column, row] = localOf(event, picture.canvas).map((at) => Math.floor(at / grid.cell));
    const code = row * grid.columns + column;
    if (column >= 0 && column < grid.columns && code >= 0 && code < state.counts.length) onPoint(code);
  };
  wrap.addEventListener("pointermove", onMove);
  wrap.addEventListener("pointerdown", onMove);
  wrap.addEventListener("keydown", (event) => {
    if (event.key === "Escape") onPoint(null);
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    takeKey(event);
    const step = arrow[0] - arrow[1] * grid.columns;
    const to = (state.code ?? (step > 0 ? -step : 0)) + step;
    state.code = clamp(to, 0, state.counts.length - 1); // at once: the next key goes on from here
    onPoint(state.code);
  });
  return {
    /** @param {{counts: Int32Array, code: number|null}} next */
    update(next) {
      state = next;
      const used = next.counts.filter((count) => count > 0).length;
      const at =
        next.code === null ? "" : `; code ${next.code}, used ${formatCount(next.counts[next.code])} times`;
      setAttributes(wrap, {
        "aria-label": `${used} of ${next.counts.length} codes used${at}. Arrow keys go from code to code.`,
      });
      picture.request();
    },
    destroy() {
      picture.destroy();
      wrap.remove();
    },
  };
}
