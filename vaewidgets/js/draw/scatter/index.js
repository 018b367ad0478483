/**
 * A scatter of a latent plane: points that travel, the prior's circles, class names, a cursor that reads z,
 * a lasso. Knows no widget: `update` takes plain arrays, callbacks give plain numbers.
 *
 * @typedef {import("../pen.js").PlotPen} PlotPen
 * @typedef {{points: Float32Array, labels: Int32Array|null, classNames: string[]|null, axes: [string, string],
 *   prior: {center: [number, number], radii: number[]}|null, pickable: number, shown?: Uint8Array|null,
 *   classes?: number[]|null, colors?: Uint8Array|null, spread?: Float32Array|null,
 *   ellipses?: boolean}} ScatterState
 *   points are flat (n, 2) in data units; only the first `pickable` count as nearest; shown: 1 for each point that
 *   is; classes: whose points are shown, null for all; colors: r, g, b a point, in place
 *   of its class's; spread: entries 11, 12, 22 of each posterior's covariance; ellipses: draw it of all points
 * @typedef {{at: [number, number], nearest: number}} Cursor  data units; index of the nearest point or -1
 */

import { createCanvas, h, OWN_KEYS, reducedMotion, setAttributes, show } from "../../host/dom.js";
import { createPainter } from "../../host/painter.js";
import { clientOf, localAt } from "../../host/pointer.js";
import { toData, toScreen, union, zoomAt } from "../../maths/camera.js";
import { classAnchors, extent2d, nearest, pointsInside } from "../../maths/statistics.js";
import { boxOf, clipped } from "../pen.js";
import { listenToPlane } from "../plane_input.js";
import { clamp } from "../scales.js";
import { createFollow } from "./follow.js";
import * as paint from "./paint.js";
import { createTravel } from "./travel.js";

const NUDGE_PX = 4;
const NUDGE_FAR_PX = 24;

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme, label: string, onCursor?: (cursor: Cursor, moved: boolean) => void,
 *   onSelect?: (indices: number[]) => void, onClass?: (label: number, add: boolean) => void,
 *   onDraw?: () => void}} opts
 *   onCursor: `moved` where a person moved it; onClass: a class's name was pressed, add: with Shift; onDraw: the
 *   picture was drawn, the plane may have moved
 */
export function createScatter(
  el,
  { theme, label, onCursor = () => {}, onSelect = () => {}, onClass = () => {}, onDraw = () => {} },
) {
  const base = createCanvas("vw-scatter-base");
  const overlay = createCanvas("vw-scatter-overlay");
  setAttributes(overlay.canvas, {
    tabindex: 0,
    role: "application",
    "aria-roledescription": "scatter plot",
    "aria-label": label,
    ...OWN_KEYS,
  });
  const reset = h("button", "vw-toggle vw-reset", { type: "button", text: "reset view", hidden: true });
  const wrap = h("div", "vw-scatter", {}, [base.canvas, overlay.canvas, reset]);
  el.append(wrap);

  const travel = createTravel();
  /** @type {ScatterState | null} */
  let state = null;
  const follow = createFollow();
  /** Number of the point that stands for each class. @type {Map<number, number>} */
  let anchors = new Map();
  /** Where names were written last. @type {Map<number, number>} */
  const written = new Map();
  /** @type {import("./paint.js").Mark[]} */
  let names = [];
  /** What else stands over the picture, and must not be hidden by names. @type {() => import("./name_places.js").Rect[]} */
  let standing = () => [];
  /** @type {Set<number> | null} */
  let selected = null;
  /** @type {[number, number]} data units: rests at the prior's mean until someone moves it */
  let cursor = [0, 0];
  let hasMoved = false;
  let near = -1;
  let hair = false;
  /** @type {number[]} */
  let lassoPath = [];
  /** What came while a lasso was drawn: the points hold still under it. @type {ScatterState | null} */
  let held = null;
  let stale = true;
  const points = paint.createPointLayer();

  function box() {
    const size = theme.fontSize();
    return boxOf(
      Math.round(size * 2.9),
      Math.round(size * 0.4),
      base.width - 4,
      base.height - Math.round(size * 1.9),
    );
  }

  /** @param {import("../../host/dom.js").Surface} surface */
  function penOn({ context, width, height, ratio }) {
    return paint.onPlane(
      { context, theme, size: theme.fontSize(), width, height, ratio },
      follow.camera,
      box(),
    );
  }

  /** @param {number} x @param {number} y data units */
  const screenOf = (x, y) => toScreen(follow.camera, box(), x, y);
  /** @param {number} x @param {number} y pixels */
  const dataOf = (x, y) => toData(follow.camera, box(), x, y);

  function resize() {
    const { width, height } = base;
    base.resize();
    overlay.resize();
    if (base.width !== width || base.height !== height) follow.resize(box());
    stale = true;
    painter.request();
  }

  /** Follow the cloud, unless someone chose a view. @param {boolean} jump @param {number} now */
  function aim(jump, now) {
    if (!state) return;
    const content = extent2d(state.points);
    const { prior } = state;
    const reach = prior ? Math.max(...prior.radii) * 1.12 : 1;
    const [cx, cy] = prior?.center ?? [0, 0];
    const room = { x0: cx - reach, x1: cx + reach, y0: cy - reach, y1: cy + reach };
    follow.aim(content ? union(content, room) : room, base.width ? box() : null, jump, now);
  }

  /** @param {number} now */
  function draw(now) {
    if (!base.width) {
      resize();
      if (!base.width) return false;
      follow.resize(box());
    }
    const moving = travel.moving || follow.moving;
    travel.advance(now);
    follow.advance(now);
    if (stale || moving) drawBase();
    stale = false;
    drawOverlay();
    onDraw();
    return travel.moving || follow.moving;
  }

  function drawBase() {
    base.clear();
    if (!state) return;
    const { prior, axes, spread, ellipses, classNames, classes } = state;
    const pen = penOn(base);
    paint.drawAxes(pen, axes);
    const cloud = cloudOf(state);
    points.draw(pen, cloud);
    clipped(pen, pen.box, () => {
      if (spread && (ellipses || selected)) {
        const { shown } = cloud;
        const all = Array.from({ length: travel.now.length / 2 }, (_, i) => i);
        const drawn = all.filter((i) => (!shown || shown[i]) && (!selected || selected.has(i)));
        const style = selected ? { alpha: 0.8, width: 1 } : { alpha: 0.3, width: 0.8 };
        paint.drawEllipses(pen, { ...cloud, spread }, drawn, style);
      }
      if (prior) paint.drawPrior(pen, prior);
      names = paint.drawClassNames(pen, cloud, {
        anchors,
        nameOf: (c) => classNames?.[c] ?? String(c),
        isOn: (c) => !classes || classes.includes(c),
        taken: taken(pen, axes[1], prior),
        previous: written,
      });
    });
  }

  /** What names must not cover. @param {PlotPen} pen @param {string} upright name of the axis @param {ScatterState["prior"]} prior @returns {import("./name_places.js").Rect[]} */
  function taken(pen, upright, prior) {
    const { size, box: area } = pen;
    const half = size * (0.3 * upright.length + 0.6);
    const axis = { x: area.left + half, y: area.top + size * 0.6, half, high: size * 0.7 };
    const labels = prior ? paint.priorLabels(pen, prior) : [];
    // Names do not run away from a cursor that somebody moves.
    const mark = { x: pen.x(cursor[0]), y: pen.y(cursor[1]), half: size * 0.8, high: size * 0.8 };
    return [axis, ...labels, ...(hasMoved ? [] : [mark]), ...standing()];
  }

  /** @param {ScatterState} data */
  const cloudOf = (data) => ({
    points: travel.now,
    labels: data.labels,
    selected,
    shown: data.shown ?? null,
    colors: data.colors ?? null,
  });

  function drawOverlay() {
    overlay.clear();
    if (!state) return;
    const pen = penOn(overlay);
    const { now } = travel;
    const { spread } = state;
    const cloud = cloudOf(state);
    clipped(pen, pen.box, () => {
      if (spread && near >= 0) {
        const style = { alpha: 1, width: 1.5, color: theme.color("fg") };
        paint.drawEllipses(pen, { ...cloud, spread }, [near], style);
      }
      paint.drawCursor(pen, {
        at: [pen.x(cursor[0]), pen.y(cursor[1])],
        near: near >= 0 ? [pen.x(now[2 * near]), pen.y(now[2 * near + 1])] : null,
        hair,
      });
    });
    paint.drawLasso(pen, lassoPath);
  }

  const painter = createPainter(wrap, draw);

  function refresh() {
    show(reset, follow.own);
    stale = true;
    painter.request();
  }

  /** @param {[number, number]} at data units @param {boolean} [moved] by a person, here */
  function setCursor(at, moved = false) {
    cursor = at;
    hasMoved ||= moved;
    near = state
      ? nearest(state.points, ...at, Math.min(state.pickable, state.points.length / 2), state.shown ?? null)
      : -1;
    onCursor({ at, nearest: near }, moved);
    painter.request();
  }

  /** @param {number[]} indices @param {boolean} add */
  function select(indices, add) {
    const next = new Set(add && selected ? [...selected, ...indices] : indices);
    selected = next.size ? next : null;
    onSelect([...next].sort((a, b) => a - b));
    refresh();
  }

  /** The class whose name is there. @param {number} x @param {number} y */
  const nameAt = (x, y) =>
    names.find(({ px, py, half }) => Math.abs(x - px) < half && Math.abs(y - py) < theme.fontSize() * 0.75);

  /** @param {number} x @param {number} y */
  function hover(x, y) {
    hair = true;
    overlay.canvas.style.cursor = nameAt(x, y) ? "pointer" : "";
    setCursor(dataOf(x, y), true);
  }

  const stopListening = listenToPlane(overlay.canvas, wrap, {
    hover,
    tap(x, y, add) {
      const name = nameAt(x, y);
      if (name) return onClass(name.label, add);
      if (selected && !add) select([], false);
      hover(x, y);
    },
    leave() {
      hair = document.activeElement === overlay.canvas && overlay.canvas.matches(":focus-visible");
      painter.request();
    },
    lasso(path) {
      lassoPath = path;
      hair = false;
      painter.request();
    },
    lassoEnd(path, add) {
      /** @type {number[]} */
      const polygon = [];
      for (let i = 0; i < path.length; i += 2) polygon.push(...dataOf(path[i], path[i + 1]));
      const shown = state?.shown;
      const inside = pointsInside(travel.now, polygon);
      select(shown ? inside.filter((i) => shown[i]) : inside, add);
      endLasso();
    },
    choose: (add) => near >= 0 && select([near], add),
    clear() {
      select([], false);
      endLasso();
    },
    zoom(factor, at) {
      const { clientWidth, clientHeight } = overlay.canvas;
      const [x, y] = at ?? [clientWidth / 2, clientHeight / 2];
      follow.choose(zoomAt(follow.camera, box(), x, y, factor));
      refresh();
    },
    pan(dx, dy) {
      const { cx, cy, scale } = follow.camera;
      follow.choose({ scale, cx: cx - dx / scale, cy: cy + dy / scale });
      refresh();
    },
    reset: resetView,
    arrow(dx, dy, far) {
      const { left, top, right, bottom } = box();
      const step = far ? NUDGE_FAR_PX : NUDGE_PX;
      const [x, y] = screenOf(...cursor);
      hair = true;
      setCursor(dataOf(clamp(x + dx * step, left, right), clamp(y - dy * step, top, bottom)), true);
    },
    focus(on) {
      hair = on && overlay.canvas.matches(":focus-visible");
      painter.request();
    },
  });

  /** @param {ScatterState} next */
  function update(next) {
    if (lassoPath.length) {
      held = next;
      return;
    }
    const fresh = !state || state.points.length !== next.points.length;
    const now = performance.now();
    const same = !fresh && next.points.every((v, i) => v === travel.to[i]);
    state = next;
    if (!same) travel.aim(next.points, now, fresh || reducedMotion());
    anchors = next.labels ? classAnchors(next.points, next.labels, fresh ? null : anchors) : new Map();
    if (fresh) selected = null;
    aim(fresh || reducedMotion(), now);
    setCursor(cursor);
    refresh();
  }

  function endLasso() {
    lassoPath = [];
    if (held) update(held);
    held = null;
  }

  function resetView() {
    follow.reset(box(), reducedMotion());
    refresh();
  }

  reset.addEventListener("click", resetView);
  const observer = new ResizeObserver(resize);
  observer.observe(wrap);
  const unfollow = theme.onChange(resize);

  return {
    update,
    setCursor,
    /** Select from outside: nobody is told. @param {number[]} indices */
    setSelected(indices) {
      selected = indices.length ? new Set(indices) : null;
      refresh();
    },
    resetView,
    /** Where things that stand over the picture belong: it and its plane, in pixels inside it. */
    stage: {
      wrap,
      area: box,
      /** @param {[number, number]} at */
      toScreen: (at) => screenOf(...at),
      toData: dataOf,
      /** Keep class names off what `rects` returns. @param {typeof standing} rects */
      keepClear(rects) {
        standing = rects;
      },
    },
    /** Number of the point that stands for each class. */
    anchors: () => anchors,
    names: () => names,
    /** Where the cursor is, inside the stage, and whether a pointer or the keyboard moves it now. */
    pointing: () => ({ at: screenOf(...cursor), on: hair }),
    /** Where the points stand once they have arrived, flat (n, 2). */
    points: () => travel.to,
    selected: () => [...(selected ?? [])].sort((a, b) => a - b),
    /** Data units to the page's clientX, clientY. @param {number} x @param {number} y */
    toClient: (x, y) => clientOf(overlay.canvas, ...screenOf(x, y)),
    /** The way back. @param {number} left @param {number} top */
    fromClient: (left, top) => dataOf(...localAt(overlay.canvas, left, top)),
    destroy() {
      reset.removeEventListener("click", resetView);
      stopListening();
      unfollow();
      observer.disconnect();
      painter.destroy();
      wrap.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createScatter>} Scatter */
