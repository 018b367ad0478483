/**
 * A scatter of a latent plane: points that travel, the prior's circles, class names, a cursor that reads z,
 * a lasso. Knows no widget: `update` takes plain arrays, callbacks give plain numbers.
 *
 * @typedef {import("../../maths/camera.js").Camera} Camera
 * @typedef {import("../../maths/camera.js").Box} Box
 * @typedef {import("../../maths/camera.js").Extent} Extent
 * @typedef {{points: Float32Array, labels: Int32Array|null, classNames: string[]|null, axes: [string, string],
 *   prior: {center: [number, number], radii: number[]}|null, pickable: number, shown?: Uint8Array|null,
 *   classes?: number[]|null, colors?: Uint8Array|null, spread?: Float32Array|null,
 *   ellipses?: boolean}} ScatterState
 *   points are flat (n, 2) in data units; only the first `pickable` count as nearest; shown: 1 for each point that
 *   is; classes: whose points are shown, null for all; colors: r, g, b a point, in place
 *   of its class's; spread: entries 11, 12, 22 of each posterior's covariance; ellipses: draw it of all points
 * @typedef {{at: [number, number], nearest: number}} Cursor  data units; index of the nearest point or -1
 */

import { createCanvas, h, OWN_KEYS, reducedMotion, setText, show } from "../../host/dom.js";
import { createPainter, easeOut } from "../../host/painter.js";
import { clientOf, localAt } from "../../host/pointer.js";
import { between, fit, steady, toData, toScreen, union, zoomAt } from "../../maths/camera.js";
import { classAnchors, extent2d, nearest, pointsInside } from "../../maths/statistics.js";
import { listenToScatter } from "./input.js";
import * as paint from "./paint.js";
import { createTravel } from "./travel.js";

const HINT_MS = 2500;

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
  overlay.canvas.tabIndex = 0;
  overlay.canvas.setAttribute("role", "application");
  overlay.canvas.setAttribute("aria-roledescription", "scatter plot");
  overlay.canvas.setAttribute("aria-label", label);
  for (const [name, value] of Object.entries(OWN_KEYS)) overlay.canvas.setAttribute(name, value);
  const reset = h("button", "vw-toggle vw-reset", { type: "button", text: "reset view", hidden: true });
  const hint = h("div", "vw-scatter-hint", { hidden: true, "aria-hidden": "true" });
  const wrap = h("div", "vw-scatter", {}, [base.canvas, overlay.canvas, reset, hint]);
  el.append(wrap);

  const travel = createTravel();
  /** @type {ScatterState | null} */
  let state = null;
  /** @type {Camera} */
  let camera = { cx: 0, cy: 0, scale: 60 };
  /** Where an automatic view goes, and how far it has come. @type {{from: Camera, to: Camera, start: number} | null} */
  let flight = null;
  let ownView = false;
  /** @type {Extent | null} */
  let held = null;
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
  let stale = true;
  const points = paint.createPointLayer();
  let hintTimer = 0;

  /** @returns {Box} */
  function box() {
    const size = theme.fontSize();
    const left = Math.round(size * 2.9);
    const top = Math.round(size * 0.4);
    return {
      left,
      top,
      width: Math.max(base.width - left - 4, 8),
      height: Math.max(base.height - top - Math.round(size * 1.9), 8),
    };
  }

  function resize() {
    const changed = base.resize();
    overlay.resize();
    if (changed && !ownView && held) {
      camera = fit(held, box());
      flight = null;
    }
    stale = true;
    painter.request();
  }

  /** Follow the cloud, unless someone chose a view. @param {boolean} jump @param {number} now */
  function aimCamera(jump, now) {
    if (!state) return;
    const content = extent2d(state.points);
    const { prior } = state;
    const reach = prior ? Math.max(...prior.radii) * 1.12 : 1;
    const [cx, cy] = prior?.center ?? [0, 0];
    const room = { x0: cx - reach, x1: cx + reach, y0: cy - reach, y1: cy + reach };
    const next = steady(held, content ? union(content, room) : room);
    if (next === held && !jump) return;
    held = next;
    if (ownView || !base.width) return;
    const to = fit(held, box());
    if (jump) camera = to;
    flight = jump ? null : { from: camera, to, start: now };
  }

  /** @param {number} now */
  function draw(now) {
    if (!base.width) {
      base.resize();
      overlay.resize();
      if (!base.width) return false;
      if (held) camera = fit(held, box());
    }
    const moving = travel.moving || flight !== null;
    travel.advance(now);
    if (flight) {
      const t = Math.min((now - flight.start) / 350, 1);
      camera = between(flight.from, flight.to, easeOut(Math.max(t, 0)));
      if (t >= 1) flight = null;
    }
    if (stale || moving) drawBase();
    stale = false;
    drawOverlay();
    onDraw();
    return travel.moving || flight !== null;
  }

  function drawBase() {
    base.clear();
    if (!state) return;
    const { context } = base;
    const area = box();
    paint.drawAxes(context, theme, camera, area, state.axes);
    const cloud = cloudOf(state);
    points.draw(context, theme, camera, area, cloud);
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    if (state.spread && (state.ellipses || selected)) {
      const { shown } = cloud;
      const all = Array.from({ length: state.points.length / 2 }, (_, i) => i);
      const drawn = all.filter((i) => (!shown || shown[i]) && (!selected || selected.has(i)));
      const pen = selected ? { alpha: 0.8, width: 1 } : { alpha: 0.3, width: 0.8 };
      const spread = state.spread;
      paint.drawEllipses(context, theme, camera, area, { ...cloud, spread }, drawn, pen);
    }
    if (state.prior) paint.drawPrior(context, theme, camera, area, state.prior);
    const { classNames, classes } = state;
    names = paint.drawClassNames(context, theme, camera, area, cloud, {
      anchors,
      nameOf: (c) => classNames?.[c] ?? String(c),
      isOn: (c) => !classes || classes.includes(c),
      taken: taken(state, area),
      previous: written,
    });
    context.restore();
  }

  /** What names must not cover. @param {ScatterState} data @param {Box} area @returns {import("./name_places.js").Rect[]} */
  function taken({ prior, axes }, area) {
    const size = theme.fontSize();
    const half = size * (0.3 * axes[1].length + 0.6);
    const axis = { x: area.left + half, y: area.top + size * 0.6, half, high: size * 0.7 };
    const labels = prior ? paint.priorLabels(theme, camera, area, prior) : [];
    // Names do not run away from a cursor that somebody moves.
    const [x, y] = toScreen(camera, area, ...cursor);
    const mark = hasMoved ? [] : [{ x, y, half: size * 0.8, high: size * 0.8 }];
    return [axis, ...labels, ...mark, ...standing()];
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
    const area = box();
    const at = toScreen(camera, area, ...cursor);
    const target = near >= 0 ? toScreen(camera, area, travel.now[2 * near], travel.now[2 * near + 1]) : null;
    overlay.context.save();
    overlay.context.beginPath();
    overlay.context.rect(area.left, area.top, area.width, area.height);
    overlay.context.clip();
    if (state.spread && near >= 0) {
      const cloud = { ...cloudOf(state), spread: state.spread };
      const pen = { alpha: 1, width: 1.5, color: theme.color("fg") };
      paint.drawEllipses(overlay.context, theme, camera, area, cloud, [near], pen);
    }
    paint.drawCursor(overlay.context, theme, area, { at, near: target, hair });
    overlay.context.restore();
    paint.drawLasso(overlay.context, theme, lassoPath);
  }

  const painter = createPainter(wrap, draw);

  function refresh() {
    show(reset, ownView);
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

  /** @param {string} text */
  function flash(text) {
    setText(hint, text);
    show(hint, true);
    clearTimeout(hintTimer);
    hintTimer = window.setTimeout(() => show(hint, false), HINT_MS);
  }

  /** The class whose name is there. @param {number} x @param {number} y */
  const nameAt = (x, y) =>
    names.find(({ px, py, half }) => Math.abs(x - px) < half && Math.abs(y - py) < theme.fontSize() * 0.75);

  /** @param {number} x @param {number} y */
  function hover(x, y) {
    hair = true;
    overlay.canvas.style.cursor = nameAt(x, y) ? "pointer" : "";
    setCursor(toData(camera, box(), x, y), true);
  }

  const stopListening = listenToScatter(overlay.canvas, wrap, {
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
      lassoPath = [];
      const area = box();
      /** @type {number[]} */
      const polygon = [];
      for (let i = 0; i < path.length; i += 2) polygon.push(...toData(camera, area, path[i], path[i + 1]));
      const shown = state?.shown;
      const inside = state ? pointsInside(state.points, polygon) : [];
      select(shown ? inside.filter((i) => shown[i]) : inside, add);
    },
    choose: (add) => near >= 0 && select([near], add),
    clear() {
      lassoPath = [];
      select([], false);
    },
    zoom(x, y, factor) {
      ownView = true;
      flight = null;
      camera = zoomAt(camera, box(), x, y, factor);
      refresh();
    },
    pan(dx, dy) {
      ownView = true;
      flight = null;
      camera = { ...camera, cx: camera.cx - dx / camera.scale, cy: camera.cy + dy / camera.scale };
      refresh();
    },
    reset: resetView,
    nudge(dx, dy) {
      const area = box();
      const [x, y] = toScreen(camera, area, ...cursor);
      const px = Math.min(Math.max(x + dx, area.left), area.left + area.width);
      const py = Math.min(Math.max(y + dy, area.top), area.top + area.height);
      hair = true;
      setCursor(toData(camera, area, px, py), true);
    },
    refused: () => flash("Click the map, then scroll to zoom (or hold Ctrl)"),
    focus(on) {
      hair = on && overlay.canvas.matches(":focus-visible");
      painter.request();
    },
  });

  function resetView() {
    ownView = false;
    if (!held) return;
    const to = fit(held, box());
    const jump = reducedMotion();
    if (jump) camera = to;
    flight = jump ? null : { from: camera, to, start: performance.now() };
    refresh();
  }

  reset.addEventListener("click", resetView);
  const observer = new ResizeObserver(resize);
  observer.observe(wrap);
  const unfollow = theme.onChange(refresh);

  return {
    /** @param {ScatterState} next */
    update(next) {
      const fresh = !state || state.points.length !== next.points.length;
      const now = performance.now();
      const same = !fresh && next.points.every((v, i) => v === travel.to[i]);
      state = next;
      if (!same) travel.aim(next.points, now, fresh || reducedMotion());
      anchors = next.labels ? classAnchors(next.points, next.labels, fresh ? null : anchors) : new Map();
      if (fresh) selected = null;
      aimCamera(fresh || reducedMotion(), now);
      setCursor(cursor);
      refresh();
    },
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
      toScreen: ([x, y]) => toScreen(camera, box(), x, y),
      /** @param {number} x @param {number} y */
      toData: (x, y) => toData(camera, box(), x, y),
      /** Keep class names off what `rects` returns. @param {typeof standing} rects */
      keepClear(rects) {
        standing = rects;
      },
    },
    /** Number of the point that stands for each class. */
    anchors: () => anchors,
    names: () => names,
    /** Where the cursor is, inside the stage, and whether a pointer or the keyboard moves it now. */
    pointing: () => ({ at: toScreen(camera, box(), ...cursor), on: hair }),
    /** Where the points stand once they have arrived, flat (n, 2). */
    points: () => travel.to,
    selected: () => [...(selected ?? [])].sort((a, b) => a - b),
    /** Data units to the page's clientX, clientY. @param {number} x @param {number} y */
    toClient(x, y) {
      const [px, py] = toScreen(camera, box(), x, y);
      return clientOf(overlay.canvas, px, py);
    },
    /** The way back. @param {number} left @param {number} top */
    fromClient: (left, top) => toData(camera, box(), ...localAt(overlay.canvas, left, top)),
    destroy() {
      reset.removeEventListener("click", resetView);
      stopListening();
      unfollow();
      observer.disconnect();
      painter.destroy();
      clearTimeout(hintTimer);
      wrap.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createScatter>} Scatter */
