/**
 * One uPlot chart of a few curves: new data goes in by `setData`, the chart is rebuilt only when the set of curves,
 * the axis type or the type size changes.
 *
 * @typedef {import("./curves.js").Curve} Curve
 * @typedef {import("./theme.js").Theme} Theme
 * @typedef {import("./theme.js").ColorName} ColorName
 * @typedef {{curves: Curve[], title: string, stepsPerEpoch: number|null}} PanelState
 */
import uPlot from "uplot";
import { formatLoss, formatTick, logTicks, ticks } from "./axes.js";
import { h, OWN_KEYS, setText, show } from "./dom.js";
import { extent } from "./stats.js";

/** Share of the first points that may leave the top: the first steps are ten times the rest. */
const SETTLING = 0.04;

/**
 * Curves on one time base, as uPlot wants: [x, mean, low, high, mean, low, high, …]. On logarithmic axes
 * what is not positive is left out.
 * @param {Curve[]} curves
 * @param {boolean} log
 * @returns {uPlot.AlignedData}
 */
export function alignCurves(curves, log) {
  /** @param {ArrayLike<number> | null} values @param {number} n @returns {(number|null)[]} */
  const clean = (values, n) =>
    Array.from({ length: n }, (_, i) => {
      const value = values ? values[i] : null;
      return value === null || !Number.isFinite(value) || (log && value <= 0) ? null : value;
    });
  const tables = curves.map(({ step, mean, low, high }) => {
    const n = step.length;
    const columns = low && high ? [mean, low, high] : [mean];
    return /** @type {uPlot.AlignedData} */ (
      /** @type {unknown} */ ([Array.from(step), ...columns.map((column) => clean(column, n))])
    );
  });
  return tables.length ? uPlot.join(tables) : [[]];
}

/**
 * A vertical range that follows the settled part of the curves.
 * @param {Curve[]} curves
 * @param {boolean} log
 * @returns {[number, number]}
 */
export function verticalRange(curves, log) {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  for (const { mean, low, high, split } of curves) {
    const skip = split === "train" && mean.length > 24 && !log ? Math.ceil(mean.length * SETTLING) : 0;
    for (const column of [mean, low, high]) {
      if (!column) continue;
      const values = column.subarray(column === high ? skip : Math.min(skip, column.length));
      const found = extent(log ? values.filter((v) => v > 0) : values);
      if (found) {
        lo = Math.min(lo, found[0]);
        hi = Math.max(hi, found[1]);
      }
    }
  }
  if (!(lo <= hi)) return log ? [1, 10] : [0, 1];
  if (log) return [lo / 1.15, hi * 1.15];
  const pad = Math.max((hi - lo) * 0.1, Math.abs(hi) * 1e-3, 1e-9);
  return [lo >= 0 ? Math.max(lo - pad, 0) : lo - pad, hi + pad];
}

/** @param {Curve} curve */
const hue = (curve) => /** @type {ColorName} */ (curve.name);

/**
 * @param {HTMLElement} el
 * @param {{theme: Theme, log: boolean, onCursor: (step: number|null) => void}} opts
 */
export function createPanel(el, { theme, log: startLog, onCursor }) {
  const title = h("div", "vw-title");
  const plot = h("div", "vw-plot", { tabindex: 0, role: "img", ...OWN_KEYS });
  const wrap = h("div", "vw-panel", { hidden: true }, [title, plot]);
  el.append(wrap);

  let log = startLog;
  /** @type {uPlot | null} */
  let chart = null;
  let structure = "";
  /** @type {PanelState} */
  let state = { curves: [], title: "", stepsPerEpoch: null };
  /** Set while we move the cursor ourselves, so that panels do not answer each other. */
  let silent = false;

  /** @returns {uPlot.Series[]} */
  function series() {
    /** @type {uPlot.Series[]} */
    const out = [{}];
    for (const curve of state.curves) {
      const color = () => theme.color(hue(curve));
      const test = curve.split === "test";
      out.push({
        label: `${curve.name} ${curve.split}`,
        stroke: color,
        width: test ? 1.25 : 1.75,
        dash: test ? [4, 3] : undefined,
        spanGaps: true,
        points: test ? { show: true, size: 4, fill: color, width: 0 } : { show: false },
      });
      if (curve.low && curve.high) {
        out.push({ stroke: "transparent", width: 0, spanGaps: true, points: { show: false } });
        out.push({ stroke: "transparent", width: 0, spanGaps: true, points: { show: false } });
      }
    }
    return out;
  }

  /** @returns {uPlot.Band[]} */
  function bands() {
    /** @type {uPlot.Band[]} */
    const out = [];
    let at = 1;
    for (const curve of state.curves) {
      if (curve.low && curve.high) {
        const fill = () => `${theme.color(hue(curve))}2b`;
        // uPlot calls a function here though its types know only a value.
        out.push({ series: [at + 2, at + 1], fill: /** @type {any} */ (fill) });
        at += 3;
      } else at += 1;
    }
    return out;
  }

  /** @param {number} width @param {number} height @returns {uPlot.Options} */
  function options(width, height) {
    const size = theme.fontSize();
    const common = {
      stroke: () => theme.color("fg2"),
      // uPlot scales the font by a pattern that knows whole pixels only.
      font: theme.font(0.85).replace(/[\d.]+px/, (px) => `${Math.round(Number.parseFloat(px))}px`),
      grid: { stroke: () => theme.color("line"), width: 1 },
      ticks: { show: false },
      gap: 4,
    };
    const epochs = () => state.stepsPerEpoch ?? 1;
    return {
      width,
      height,
      padding: [size * 0.5, Math.round(size * 6.6), 0, 0],
      legend: { show: false },
      focus: { alpha: 1 },
      cursor: {
        drag: { x: false, y: false, setScale: false },
        y: false,
        points: { size: 6, fill: (u, i) => /** @type {any} */ (u.series[i].stroke)() },
      },
      scales: {
        x: { time: false, range: (_u, lo, hi) => [Math.min(lo ?? 0, 0), Math.max(hi ?? 1, 1)] },
        y: { distr: log ? 3 : 1, range: () => verticalRange(state.curves, log) },
      },
      axes: [
        {
          ...common,
          size: Math.round(size * 1.9),
          splits: (u, _axis, lo, hi) =>
            ticks(lo / epochs(), hi / epochs(), u.width / (size * 7)).map((v) => v * epochs()),
          values: (_u, splits) => splits.map((v) => formatTick(v / epochs())),
        },
        {
          ...common,
          size: Math.round(size * 3.4),
          space: Math.round(size * 2.1),
          // uPlot's own start at the end of the range, whatever number that is.
          splits: log ? (u, _axis, lo, hi) => logTicks(lo, hi, u.height / (size * 2.2)) : undefined,
          filter: (_u, splits) => splits,
          values: (_u, splits) => splits.map((v) => (v === null ? "" : formatTick(v))),
        },
      ],
      series: series(),
      bands: bands(),
      hooks: {
        draw: [drawEnds],
        setCursor: [
          (u) => {
            if (!silent) onCursor(u.cursor.idx == null ? null : Number(u.data[0][u.cursor.idx]));
          },
        ],
      },
    };
  }

  /** Names and last values at the line ends, and what the x axis counts. @param {uPlot} u */
  function drawEnds(u) {
    const { ctx } = u;
    const ratio = uPlot.pxRatio;
    const size = theme.fontSize() * ratio;
    const right = u.bbox.left + u.bbox.width;
    const bottom = u.bbox.top + u.bbox.height;
    ctx.save();
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    const labels = state.curves
      .filter((curve) => curve.split === "train" && curve.mean.length)
      .map((curve) => {
        const last = curve.mean[curve.mean.length - 1];
        const y = Number.isFinite(last) && !(log && last <= 0) ? u.valToPos(last, "y", true) : bottom;
        return { curve, last, y: Math.min(Math.max(y, u.bbox.top), bottom) };
      })
      .sort((a, b) => a.y - b.y);
    // Upper ones keep their place, lower ones make room; then all move up if they ran out below.
    for (let i = 1; i < labels.length; i++) {
      labels[i].y = Math.max(labels[i].y, labels[i - 1].y + size * 1.15);
    }
    const over = (labels[labels.length - 1]?.y ?? 0) - bottom;
    ctx.font = theme.font(0.92 * ratio, "600");
    for (const { curve, last, y } of labels) {
      ctx.fillStyle = theme.color(hue(curve));
      const name = curve.name === "beta" ? "β" : curve.name;
      ctx.fillText(`${name} ${formatLoss(last)}`, right + size * 0.5, over > 0 ? y - over : y);
    }
    ctx.font = theme.font(0.85 * ratio);
    ctx.fillStyle = theme.color("fg2");
    ctx.textBaseline = "top";
    ctx.fillText(state.stepsPerEpoch ? "epoch" : "step", right + size * 1.4, bottom + 4 * ratio + size * 0.1);
    ctx.restore();
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (!chart || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
    event.preventDefault();
    event.stopPropagation();
    const n = chart.data[0].length;
    const jump = event.shiftKey ? Math.max(Math.round(n / 20), 1) : 1;
    const to = (chart.cursor.idx ?? n - 1) + (event.key === "ArrowLeft" ? -jump : jump);
    onCursor(moveTo(Math.min(Math.max(to, 0), n - 1)));
  }

  /** @param {number} index @returns {number} its step */
  function moveTo(index) {
    const u = /** @type {uPlot} */ (chart);
    const step = Number(u.data[0][index]);
    silent = true;
    u.setCursor({ left: u.valToPos(step, "x"), top: u.over.clientHeight / 2 }, false);
    silent = false;
    return step;
  }

  const onBlur = () => onCursor(null);
  plot.addEventListener("keydown", onKey);
  plot.addEventListener("blur", onBlur);

  function drop() {
    chart?.destroy();
    chart = null;
    structure = "";
  }

  return {
    /** @param {PanelState} next */
    update(next) {
      state = next;
      show(wrap, next.curves.length > 0);
      setText(title, next.title);
      if (!next.curves.length) return drop();
      const width = plot.clientWidth;
      const height = plot.clientHeight;
      if (!width || !height) return undefined;
      const last = next.curves.map((c) => `${c.split} ${c.name} ${formatLoss(c.mean[c.mean.length - 1])}`);
      plot.setAttribute("aria-label", `${next.title}: ${last.join(", ")}`);
      const data = alignCurves(next.curves, log);
      const shape = next.curves.map((c) => [c.name, c.split, c.low !== null && c.high !== null]);
      const key = JSON.stringify([shape, log, theme.fontSize()]);
      if (!chart || key !== structure) {
        drop();
        structure = key;
        chart = new uPlot(options(width, height), data, plot);
        return undefined;
      }
      if (chart.width !== width || chart.height !== height) chart.setSize({ width, height });
      silent = true;
      chart.setData(data);
      silent = false;
      return undefined;
    },
    /** Show the cursor that another panel has. @param {number | null} step */
    setCursor(step) {
      if (!chart) return;
      silent = true;
      const left = step === null ? -10 : chart.valToPos(step, "x");
      chart.setCursor({ left, top: step === null ? -10 : chart.over.clientHeight / 2 }, false);
      silent = false;
    },
    /** @param {boolean} on */
    setLog(on) {
      log = on;
      drop();
    },
    restyle() {
      chart?.redraw(false, true);
    },
    destroy() {
      plot.removeEventListener("keydown", onKey);
      plot.removeEventListener("blur", onBlur);
      drop();
      wrap.remove();
    },
  };
}
