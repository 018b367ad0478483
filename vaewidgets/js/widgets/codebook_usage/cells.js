/**
 * The codes of a codebook as cells, stronger the more they are used; dead ones are crossed out. The arrow keys and the
 * pointer go from code to code.
 */

import { createCanvas, h, OWN_KEYS } from "../../host/dom.js";
import { createPainter } from "../../host/painter.js";
import { localOf } from "../../host/pointer.js";
import { formatCount } from "../../maths/format.js";

const LEAST_CELL_PX = 14;
const MOST_CELL_PX = 40;

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
  const surface = createCanvas("vw-cells-canvas");
  const wrap = h("div", "vw-cells", { tabindex: 0, role: "application", ...OWN_KEYS }, [surface.canvas]);
  el.append(wrap);
  /** @type {{counts: Int32Array, code: number|null}} */
  let state = { counts: new Int32Array(0), code: null };
  let grid = layout(1, 100);

  const painter = createPainter(wrap, () => {
    const n = state.counts.length;
    grid = layout(n, wrap.clientWidth);
    surface.canvas.style.height = `${grid.rows * grid.cell}px`;
    surface.resize();
    surface.clear();
    const { context } = surface;
    const most = Math.max(...state.counts, 1);
    const { cell, columns } = grid;
    for (let i = 0; i < n; i++) {
      const x = (i % columns) * cell;
      const y = Math.floor(i / columns) * cell;
      const share = state.counts[i] / most;
      context.globalAlpha = 1;
      context.fillStyle = theme.color("line");
      context.fillRect(x + 1, y + 1, cell - 2, cell - 2);
      context.fillStyle = theme.color("accent");
      // the eye reads areas and tones about as square roots
      context.globalAlpha = share > 0 ? 0.15 + 0.85 * Math.sqrt(share) : 0;
      context.fillRect(x + 1, y + 1, cell - 2, cell - 2);
      context.globalAlpha = 1;
      if (state.counts[i] === 0) {
        context.strokeStyle = theme.color("fg3");
        context.lineWidth = 1;
        context.beginPath();
        context.moveTo(x + cell * 0.3, y + cell * 0.3);
        context.lineTo(x + cell * 0.7, y + cell * 0.7);
        context.moveTo(x + cell * 0.7, y + cell * 0.3);
        context.lineTo(x + cell * 0.3, y + cell * 0.7);
        context.stroke();
      }
      if (i !== state.code) continue;
      context.strokeStyle = theme.color("fg");
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, cell - 2, cell - 2);
    }
  });

  /** @param {PointerEvent} event */
  const onMove = (event) => {
    const [column, row] = localOf(event, surface.canvas).map((at) => Math.floor(at / grid.cell));
    const code = row * grid.columns + column;
    if (column >= 0 && column < grid.columns && code >= 0 && code < state.counts.length) onPoint(code);
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -grid.columns, ArrowDown: grid.columns }[event.key];
    if (event.key === "Escape") onPoint(null);
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const to = (state.code ?? (step > 0 ? -step : 0)) + step;
    onPoint(Math.min(Math.max(to, 0), state.counts.length - 1));
  };
  wrap.addEventListener("pointermove", onMove);
  wrap.addEventListener("pointerdown", onMove);
  wrap.addEventListener("keydown", onKey);
  const observer = new ResizeObserver(() => painter.request());
  observer.observe(wrap);
  const unfollow = theme.onChange(() => painter.request());
  return {
    /** @param {{counts: Int32Array, code: number|null}} next */
    update(next) {
      state = next;
      const used = next.counts.filter((count) => count > 0).length;
      const at =
        next.code === null ? "" : `; code ${next.code}, used ${formatCount(next.counts[next.code])} times`;
      wrap.setAttribute(
        "aria-label",
        `${used} of ${next.counts.length} codes used${at}. Arrow keys go from code to code.`,
      );
      painter.request();
    },
    destroy() {
      wrap.removeEventListener("pointermove", onMove);
      wrap.removeEventListener("pointerdown", onMove);
      wrap.removeEventListener("keydown", onKey);
      observer.disconnect();
      unfollow();
      painter.destroy();
      wrap.remove();
    },
  };
}
