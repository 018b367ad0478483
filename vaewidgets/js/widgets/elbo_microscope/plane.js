/**
 * The posterior under the prior on the plane of two dimensions, and the arrows that pull at its mean. Knows no widget.
 *
 * @typedef {{points: Float32Array, labels: Int32Array | null, classNames: string[] | null, names: [string, string],
 *   mu: [number, number], sigma: [number, number], encoder: [number, number], balance: [number, number] | null,
 *   draws: [number, number][], pulls: {recon: [number, number], kl: [number, number]} | null,
 *   sizes: {recon: number, kl: number, net: number}, beta: number, flat: boolean, close: boolean, value: string}} PlaneState
 *   points flat (n, 2); sizes: of the whole pulls, in nats for each unit of z; flat: there is one dimension only; close: what is in sight
 *   is the neighbourhood of the encoder's mean, else the prior and all codes
 */
import { createHandles } from "../../draw/handles.js";
import { boxOf, clipped, drawDot, drawLine, drawText } from "../../draw/pen.js";
import { createPicture } from "../../draw/picture.js";
import { clamp } from "../../draw/scales.js";
import * as paint from "../../draw/scatter/paint.js";
import { h } from "../../host/dom.js";
import { clientOf } from "../../host/pointer.js";
import { fit, steady, toData, toScreen, union } from "../../maths/camera.js";
import { coloredLabels } from "../../maths/classes.js";
import { formatNumber } from "../../maths/format.js";
import { classAnchors, extent2d } from "../../maths/statistics.js";

/** @typedef {import("../../draw/pen.js").PlotPen} PlotPen */

/** Of the longest arrow, as a share of the picture, and the pull at which it is half as long; as in figures/microscope.py. */
const REACH = 0.42;
const CALM = 2;
const HANDLE_EM = 0.9;
/** What a close-up shows: so many sigmas to each side, and not less than the way to the balance. */
const SIGMAS = 5;
/** Below this share of the larger one, what is left of the two pulls is no arrow. */
const NOTHING = 0.05;

/**
 * An arrow from a handle.
 * @param {PlotPen} pen @param {[number, number]} from @param {[number, number]} by pixels
 * @param {{color: string, width: number, dash?: number[]}} style
 */
function drawArrow(pen, [x, y], [dx, dy], { color, width, dash }) {
  const length = Math.hypot(dx, dy);
  if (!(length > 1)) return;
  const head = Math.min(pen.size * 0.85, length);
  const [ux, uy] = [dx / length, dy / length];
  const [tx, ty] = [x + dx, y + dy];
  const [bx, by] = [tx - ux * head, ty - uy * head];
  const half = head * 0.5;
  const tip = [tx, ty, bx - uy * half, by + ux * half, bx + uy * half, by - ux * half];
  drawLine(pen, [x, y, bx, by], { color: "bg", width: width + 3 });
  drawLine(pen, tip, { color: "bg", width: 3, closed: true });
  drawLine(pen, [x, y, bx, by], { color, width, dash });
  drawLine(pen, tip, { fill: color });
}

/** Words at the end of an arrow, beyond its tip. @param {PlotPen} pen @param {[number, number]} from @param {[number, number]} by @param {string} text */
function placeOf(pen, [x, y], [dx, dy], text) {
  const { box, size, context, theme } = pen;
  context.font = theme.font(1, "700");
  const half = context.measureText(text).width / 2 + 4;
  const length = Math.max(Math.hypot(dx, dy), 1e-9);
  const [ux, uy] = [dx / length, dy / length];
  return {
    text,
    half,
    x: clamp(x + dx + ux * (half * Math.abs(ux) + size * 0.5), box.left + half, box.right - half),
    y: clamp(y + dy + uy * size * 1.1, box.top + size, box.bottom - size),
  };
}

/** Whether a close-up need not be another one. @param {import("../../maths/camera.js").Extent} held @param {import("../../maths/camera.js").Extent} near */
const within = (held, near) =>
  Math.abs(held.x0 + held.x1 - near.x0 - near.x1) < 1e-6 &&
  Math.abs((held.x1 - held.x0) / (near.x1 - near.x0) - 1) < 0.3;

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme, onDrag: (at: [number, number]) => void, onReset: () => void}} opts
 */
export function createPlane(el, { theme, onDrag, onReset }) {
  const key = h("p", "vw-micro-key");
  const wrap = h("div", "vw-map vw-micro-map");
  el.append(key, wrap);
  const layer = paint.createPointLayer();
  /** @type {PlaneState | null} */
  let state = null;
  /** @type {import("../../maths/camera.js").Extent | null} */
  let held = null;
  /** @type {import("../../maths/camera.js").Extent | null} */
  let whole = null;
  let camera = { cx: 0, cy: 0, scale: 60 };
  let box = boxOf(0, 0, 0, 0);
  let cloud = /** @type {Float32Array | null} */ (null);
  let labels = /** @type {Int32Array | null} */ (null);
  /** @type {Map<number, number>} */
  let anchors = new Map();
  /** @type {Map<number, number>} */
  const written = new Map();

  const picture = createPicture(wrap, {
    theme,
    className: "vw-map-canvas",
    label: "the posterior of the image, and what pulls its mean where",
    paint(flat) {
      if (!state) return;
      const { size, width, height } = flat;
      box = boxOf(Math.round(size * 2.9), 4, width - 4, height - Math.round(size * 1.9));
      if (held) camera = fit(held, box);
      const pen = paint.onPlane(flat, camera, box);
      paint.drawAxes(pen, state.names);
      clipped(pen, box, () => drawAll(pen, /** @type {PlaneState} */ (state)));
      handles.place();
    },
  });

  /** @param {PlotPen} pen @param {PlaneState} now */
  function drawAll(pen, now) {
    const { size } = pen;
    const at = (/** @type {[number, number]} */ [u, v]) =>
      /** @type {[number, number]} */ ([pen.x(u), pen.y(v)]);
    const prior = { center: /** @type {[number, number]} */ ([0, 0]), radii: [1, 2] };
    pen.context.globalAlpha = 0.55;
    layer.draw(pen, { points: now.points, labels });
    pen.context.globalAlpha = 1;
    if (!now.flat) paint.drawPrior(pen, prior);
    else
      for (const edge of [-2, -1, 0, 1, 2])
        drawLine(pen, [...at([edge, -9]), ...at([edge, 9])], { color: "fg3", dash: edge ? [4, 4] : [] });
    drawPosterior(pen, now, at(now.mu));
    for (const one of now.draws) drawDot(pen, ...at(one), size * 0.18, { fill: "fg" });
    const handle = at(now.mu);
    const [ex, ey] = at(now.encoder);
    if (Math.hypot(ex - handle[0], ey - handle[1]) > 2) {
      drawLine(pen, [ex, ey, ...handle], { color: "fg2", dash: [2, 3] });
      drawDot(pen, ex, ey, size * 0.4, { fill: "bg", color: "fg" });
    }
    if (now.balance) drawBalance(pen, at(now.balance));
    const words = drawPulls(pen, now, handle);
    const half = HANDLE_EM * size;
    const taken = [{ x: handle[0], y: handle[1], half, high: half }];
    for (const one of words) taken.push({ x: one.x, y: one.y, half: one.half, high: size * 0.8 });
    const names = { anchors, nameOf, taken, previous: written };
    if (!now.close) paint.drawClassNames(pen, now, names);
    for (const { text, x, y, color } of words) drawText(pen, text, x, y, { color, weight: "700", halo: 4 });
  }

  /** Ellipses of one and two sigma. @param {PlotPen} pen @param {PlaneState} now @param {[number, number]} middle */
  function drawPosterior(pen, { sigma, flat }, [x, y]) {
    const { context } = pen;
    for (const times of [2, 1]) {
      context.beginPath();
      const [across, up] = sigma.map((s) => Math.max(s * times * pen.x.unit, 2));
      context.ellipse(x, y, across, flat ? pen.size : up, 0, 0, 2 * Math.PI);
      context.fillStyle = pen.theme.color("accent");
      context.globalAlpha = 0.16;
      context.fill();
      context.globalAlpha = 0.9;
      context.strokeStyle = pen.theme.color("accent");
      context.lineWidth = 1;
      context.stroke();
      context.globalAlpha = 1;
    }
  }

  /** @param {PlotPen} pen @param {[number, number]} at */
  function drawBalance(pen, [x, y]) {
    const r = pen.size * 0.5;
    for (const [color, width] of /** @type {[string, number][]} */ ([
      ["bg", 6],
      ["loss", 3],
    ])) {
      drawLine(pen, [x - r, y - r, x + r, y + r], { color, width });
      drawLine(pen, [x - r, y + r, x + r, y - r], { color, width });
    }
  }

  /**
   * The two arrows, and what is left of both. @param {PlotPen} pen @param {PlaneState} now @param {[number, number]} from
   * @returns {{text: string, x: number, y: number, half: number, color: string}[]} what is to be written at them
   */
  function drawPulls(pen, { pulls, beta }, from) {
    if (!pulls) return [];
    const longest = Math.max(Math.hypot(...pulls.recon), Math.hypot(...pulls.kl));
    const scale = (REACH * Math.min(box.width, box.height)) / (longest + CALM * Math.max(beta, 1e-3));
    const by = (/** @type {[number, number]} */ [u, v]) =>
      /** @type {[number, number]} */ ([u * scale, -v * scale]);
    const width = pen.size * 0.28;
    const net = /** @type {[number, number]} */ ([
      pulls.recon[0] + pulls.kl[0],
      pulls.recon[1] + pulls.kl[1],
    ]);
    if (Math.hypot(...net) > NOTHING * longest)
      drawArrow(pen, from, by(net), { color: "loss", width: width / 2, dash: [5, 4] });
    drawArrow(pen, from, by(pulls.recon), { color: "recon", width });
    drawArrow(pen, from, by(pulls.kl), { color: "kl", width });
    const words = [
      { ...placeOf(pen, from, by(pulls.recon), "recon"), color: "recon" },
      { ...placeOf(pen, from, by(pulls.kl), "β·KL"), color: "kl" },
    ];
    const [a, b] = words;
    const gap = pen.size * 1.5;
    if (Math.abs(a.x - b.x) < a.half + b.half && Math.abs(a.y - b.y) < gap) {
      const [upper, lower] = a.y <= b.y ? [a, b] : [b, a];
      const middle = clamp((a.y + b.y) / 2, box.top + gap, box.bottom - gap);
      [upper.y, lower.y] = [middle - gap / 2, middle + gap / 2];
    }
    return words;
  }

  /** @param {PlaneState} now */
  function setKey({ sizes, pulls, balance }) {
    const part = (/** @type {string} */ name, /** @type {string} */ text) =>
      h("span", `vw-micro-${name}`, { text });
    key.replaceChildren(
      ...(pulls
        ? [
            part("recon", `➜ recon pulls ${formatNumber(sizes.recon, 3)}`),
            part("kl", `➜ β·KL pulls ${formatNumber(sizes.kl, 3)}`),
            part("loss", `⇢ both ${formatNumber(sizes.net, 3)}`),
          ]
        : []),
      part("unit", "nats for each unit of z"),
      part(balance ? "loss" : "awaited", "✕ balance"),
    );
  }

  /** @param {PlaneState} now @returns {import("../../maths/camera.js").Extent} */
  function closeUp({ encoder: [u, v], sigma, balance }) {
    const away = balance ? Math.max(Math.abs(balance[0] - u), Math.abs(balance[1] - v)) : 0;
    const half = Math.max(SIGMAS * Math.max(...sigma), 1.5 * away, 1e-3);
    return { x0: u - half, x1: u + half, y0: v - half, y1: v + half };
  }

  const nameOf = (/** @type {number} */ label) => state?.classNames?.[label] ?? String(label);
  const handles = createHandles(wrap, {
    toScreen: ([u, v]) => toScreen(camera, box, u, v),
    toData: (x, y) => toData(camera, box, x, y),
    area: () => box,
    onDrag: (_, at) => onDrag(at),
    onReset,
  });

  return {
    wrap,
    /** @param {PlaneState} next */
    update(next) {
      state = next;
      if (next.points !== cloud) {
        const fresh = cloud?.length !== next.points.length;
        cloud = next.points;
        labels = coloredLabels(next.labels).labels;
        anchors =
          labels && !next.flat ? classAnchors(next.points, labels, fresh ? null : anchors) : new Map();
        const content = extent2d(next.points);
        const room = { x0: -2.3, x1: 2.3, y0: -2.3, y1: 2.3 };
        whole = steady(whole, content && !next.flat ? union(content, room) : room);
      }
      const near = next.close ? closeUp(next) : null;
      // A drag must not move what it is dragged over.
      held = near ? (held && held !== whole && within(held, near) ? held : near) : whole;
      setKey(next);
      handles.update([
        {
          at: next.mu,
          text: "",
          label: "the posterior mean, arrow keys move it, Delete takes it back to the encoder's",
          value: next.value,
        },
      ]);
      picture.request();
    },
    describe: picture.describe,
    /** Data units to clientX, clientY. @param {number} u @param {number} v */
    toClient: (u, v) => clientOf(wrap, ...toScreen(camera, box, u, v)),
    destroy() {
      handles.destroy();
      picture.destroy();
      wrap.remove();
      key.remove();
    },
  };
}
