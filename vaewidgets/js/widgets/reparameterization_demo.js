/**
 * ReparameterizationDemo: z = mu + sigma·eps, and why its gradient is the quieter one.
 *
 * View: mu, sigma; f (a name of lib/gradients.js), samples a gradient estimate, seed of the draws, eps of the draw
 * that is followed.
 * Handle: see parts/base.js; z of the followed draw; gradients gives, by parameter and way, exact, mean and sd of
 * one estimate, and the estimates that are drawn.
 */
import { formatFixed, linearSlider, logSlider } from "../lib/axes.js";
import { createPress, createSegments, createSlider } from "../lib/controls.js";
import { h, reducedMotion, setText } from "../lib/dom.js";
import { density, normals } from "../lib/gaussian.js";
import { estimates, histogram, ofOneDraw, TARGETS } from "../lib/gradients.js";
import { ease } from "../lib/painter.js";
import { clamp, createPlot, drawCurve, drawLine, drawScaleX, drawText, roundUp } from "../lib/plot.js";
import { defineWidget } from "../parts/base.js";

/** @typedef {import("../lib/plot.js").Pen} Pen */
/** @typedef {import("../lib/gradients.js").Parameter} Parameter */
/** @typedef {import("../lib/gradients.js").Way} Way */
/** @typedef {{exact: number, mean: number, sd: number, values: Float64Array}} Estimator */

const Z = /** @type {[number, number]} */ ([-6, 6]);
const MU = /** @type {[number, number]} */ ([-3, 3]);
const SIGMA = /** @type {[number, number]} */ ([0.1, 3]);
const EPS = /** @type {[number, number]} */ ([-3, 3]);
const MOST_SAMPLES = 256;
const REPEATS = 400;
const MOST_DRAWN = 48;
const RISE_MS = 900;
const BINS = 60;
const STEPS = [1, 1.5, 2, 3, 5, 7];
/** @type {{way: Way, name: string}[]} */
const WAYS = [
  { way: "path", name: "through z = μ + σε" },
  { way: "score", name: "score function" },
];

export default defineWidget({
  name: "reparameterization-demo",
  label: "Reparameterisation",
  build({ shell, view }) {
    const { theme } = shell;
    const pictures = h("div", "vw-concept-main");
    const side = h("div", "vw-concept-side");
    const spreads = h("div", "vw-gradients");
    shell.body.append(h("div", "vw-concept", {}, [pictures, side]), spreads);

    const q = () => ({ mu: view.get("mu", 0.5), sigma: view.get("sigma", 1.2) });
    const target = () => TARGETS[view.get("f", "square")] ?? TARGETS.square;
    const samples = () => Math.round(view.get("samples", 16));
    const setEps = (/** @type {number} */ eps) => view.set("eps", Number(clamp(eps, ...EPS).toFixed(2)));
    let risen = Number.NEGATIVE_INFINITY;
    /** @type {{key: string, eps: Float64Array}} */
    let draws = { key: "", eps: new Float64Array(0) };
    /** @type {Record<Parameter, Record<Way, Estimator>>} */
    let found = /** @type {any} */ (null);

    const picture = createPlot(pictures, {
      theme,
      className: "vw-reparam-map",
      label: "the map from ε to z",
      margins: [1.2, 1, 3, 1],
      paint(pen, now) {
        const t = reducedMotion() ? 1 : clamp((now - risen) / RISE_MS, 0, 1);
        drawMap(pen, {
          q: q(),
          target: target(),
          eps: draws.eps.subarray(0, samples()),
          own: view.get("eps", -0.3),
          t,
        });
        return t < 1;
      },
    });
    const knob = picture.addHandle({
      name: "eps",
      label: "ε of one draw",
      onMove: setEps,
      onKey: (dx) => setEps(view.get("eps", -0.3) + dx * 0.05),
    });

    const formula = h("p", "vw-reparam-formula");
    const slopes = h("p", "vw-note");
    const knobs = h("div", "vw-concept-knobs");
    const fName = h("span", "vw-control-label", { text: "f(z)" });
    const choices = h("div", "vw-control", {}, [fName]);
    side.append(h("div", "vw-reparam-says", {}, [formula, slopes]), knobs);
    const sliders = {
      mu: createSlider(knobs, {
        name: "mu",
        label: "μ",
        title: "mean",
        min: MU[0],
        max: MU[1],
        scale: linearSlider({ min: MU[0], max: MU[1], step: 0.05 }),
        onChange: (value) => view.set("mu", value),
      }),
      sigma: createSlider(knobs, {
        name: "sigma",
        label: "σ",
        title: "standard deviation",
        min: SIGMA[0],
        max: SIGMA[1],
        scale: logSlider({ min: SIGMA[0], max: SIGMA[1], zero: false }),
        onChange: (value) => view.set("sigma", value),
      }),
      samples: createSlider(knobs, {
        name: "samples",
        label: "N",
        title: "draws for one estimate of the gradient",
        unit: "draws",
        min: 1,
        max: MOST_SAMPLES,
        scale: wholeLog(MOST_SAMPLES),
        onChange: (value) => view.set("samples", Math.round(value)),
      }),
    };
    knobs.append(choices);
    const which = createSegments(choices, {
      name: "f",
      label: "what is averaged",
      choices: Object.entries(TARGETS).map(([value, { text }]) => ({ value, text })),
      onChange: (value) => view.set("f", value),
    });
    const redraw = createPress(side, {
      name: "redraw",
      text: "draw new ε",
      main: true,
      onPress() {
        risen = performance.now();
        view.set("seed", (view.get("seed", 0) + 1) % 100_000);
      },
    });

    side.append(
      h("p", "", { text: "Through z, each draw says which way f rises: its slope." }),
      h("p", "", {
        text: "The score function sees only how high f is there, and finds the way by comparing draws.",
      }),
    );

    const panels = /** @type {Parameter[]} */ (["mu", "sigma"]).map((by) => {
      const verdict = h("p", "vw-note vw-gradient-verdict");
      const column = h("div", "vw-gradient", {}, [
        h("p", "vw-gradient-title", { text: `estimates of ∂ E[f(z)] ∕ ∂${by === "mu" ? "μ" : "σ"}` }),
      ]);
      spreads.append(column);
      const plot = createPlot(column, {
        theme,
        className: "vw-gradient-plot",
        label: "spread of the estimates",
        margins: [1.6, 1, 2.6, 1],
        paint: (pen) => drawSpreads(pen, found[by], by, target(), samples()),
      });
      column.append(verdict);
      return { by, plot, verdict };
    });

    function compute() {
      const key = `${view.get("seed", 0)} ${samples()}`;
      if (draws.key !== key) draws = { key, eps: normals(view.get("seed", 0), samples() * REPEATS) };
      const of = q();
      const exact = target().exact(of.mu, of.sigma);
      const all = /** @type {Parameter[]} */ (["mu", "sigma"]).map((by, i) => [
        by,
        Object.fromEntries(
          WAYS.map(({ way }) => {
            const { mean, sd } = ofOneDraw(target(), way, by, of);
            const values = estimates(target(), way, by, of, draws.eps, samples());
            return [way, { exact: exact[i], mean, sd: sd / Math.sqrt(samples()), values }];
          }),
        ),
      ]);
      found = Object.fromEntries(all);
    }

    return {
      update() {
        compute();
        const of = q();
        const own = view.get("eps", -0.3);
        const z = of.mu + of.sigma * own;
        sliders.mu.update({ value: of.mu, editable: true, hold: false });
        sliders.sigma.update({ value: of.sigma, editable: true, hold: false });
        sliders.samples.update({ value: samples(), editable: true, hold: false });
        which.update({ value: view.get("f", "square") });
        picture.update({ x: Z, y: [0, 1] });
        knob.update({
          at: [own, 0],
          now: own,
          min: EPS[0],
          max: EPS[1],
          text: `ε ${formatFixed(own, 2)}, z ${formatFixed(z, 2)}`,
        });
        const two = (/** @type {number} */ value) => formatFixed(value, 2);
        setText(
          formula,
          `z = μ + σε = ${two(of.mu)} + ${two(of.sigma)} · ${own < 0 ? `(${two(own)})` : two(own)} = ${two(z)}`,
        );
        setText(
          slopes,
          `∂z∕∂μ = 1 and ∂z∕∂σ = ε = ${two(own)}. ε is an input: the gradient goes past it, to μ and σ.`,
        );
        for (const { by, plot, verdict } of panels) {
          const { path, score } = found[by];
          plot.update({ x: spreadRange(found[by]), y: [0, 1] });
          setText(verdict, verdictOf(path, score));
          plot.describe(`${verdict.textContent} Exact value ${formatFixed(path.exact, 3)}.`);
        }
        picture.describe(`${samples()} draws of ε, moved by μ and stretched by σ`);
      },
      caption: () =>
        "The noise ε stays outside: shift it by μ, stretch it by σ, and z is a draw from N(μ, σ²).",
      handle: {
        get z() {
          return q().mu + q().sigma * view.get("eps", -0.3);
        },
        get gradients() {
          compute();
          return found;
        },
      },
      destroy() {
        picture.destroy();
        redraw.destroy();
        which.destroy();
        for (const slider of Object.values(sliders)) slider.destroy();
        for (const { plot } of panels) plot.destroy();
      },
    };
  },
});

/** A slider of whole numbers from 1, logarithmic. @param {number} most */
function wholeLog(most) {
  return {
    value: (/** @type {number} */ position) => Math.round(most ** (position / 1000)),
    position: (/** @type {number} */ value) => Math.round((1000 * Math.log(value)) / Math.log(most)),
  };
}

/** @param {Estimator} path @param {Estimator} score */
export function verdictOf(path, score) {
  if (Math.abs(path.mean - path.exact) > 1e-6 + 1e-3 * Math.abs(path.exact))
    return "f jumps: its slope is 0 wherever it has one, so the path misses the gradient. The score function does not need a slope.";
  if (path.sd < 1e-9) return "Each draw gives the exact value: the path has no spread at all here.";
  const ratio = (score.sd / path.sd) ** 2;
  const size = formatFixed(ratio, ratio >= 10 ? 0 : ratio >= 0.1 ? 1 : 2);
  return ratio >= 1
    ? `To be as sure, the score function needs ${size} times as many draws.`
    : `Here the score function is the quieter one: it needs ${size} times as many draws.`;
}

/** @param {Record<Way, Estimator>} both @returns {[number, number]} */
function spreadRange({ path, score }) {
  const half = roundUp(
    Math.max(3 * score.sd, 3 * path.sd, Math.abs(path.mean - path.exact) * 1.3, 0.05),
    STEPS,
  );
  return [path.exact - half, path.exact + half];
}

/** @param {Pen} pen @param {Record<Way, Estimator>} both @param {Parameter} by @param {import("../lib/gradients.js").Target} target @param {number} n */
function drawSpreads(pen, both, by, target, n) {
  const { context, theme, box, size } = pen;
  const range = spreadRange(both);
  const tall = (box.bottom - box.top) / 2;
  const uses = {
    path: by === "mu" ? `slope f′(z) = ${target.slope}` : `slope f′(z) · ε`,
    score: by === "mu" ? `height f(z) · ε ∕ σ` : `height f(z) · (ε² − 1) ∕ σ`,
  };
  drawScaleX(pen, range, { label: "" });
  WAYS.forEach(({ way, name }, row) => {
    const { values, sd } = both[way];
    const base = box.top + tall * (row + 1) - (row ? 0 : size * 0.5);
    const color = theme.color(way === "path" ? "accent" : "fg2");
    const counts = histogram(values, range, BINS);
    const most = Math.max(...counts, 1);
    const wide = (box.right - box.left) / BINS;
    const room = tall - size * 3.2;
    context.fillStyle = color;
    context.globalAlpha = 0.8;
    counts.forEach((count, i) => {
      const height = (count / most) * room;
      if (count) context.fillRect(box.left + i * wide, base - height, Math.max(wide - 1, 1), height);
    });
    context.globalAlpha = 1;
    drawLine(pen, [box.left, base + 0.5, box.right, base + 0.5], { color: theme.color("line") });
    const top = box.top + tall * row + size * (row ? 0.9 : 0.4);
    drawText(pen, name, box.left, top, { color, weight: "600", align: "left", halo: true });
    drawText(pen, uses[way], box.left, top + size * 1.3, { align: "left", relative: 0.92, halo: true });
    drawText(pen, `± ${formatFixed(sd, sd >= 10 ? 1 : 3)}`, box.right, top, {
      color,
      weight: "600",
      align: "right",
      halo: true,
    });
    // What the draws in the picture above say.
    const own = clamp(pen.x(values[0]), box.left, box.right);
    context.beginPath();
    context.moveTo(own, base - 1);
    context.lineTo(own - size * 0.35, base + size * 0.5);
    context.lineTo(own + size * 0.35, base + size * 0.5);
    context.closePath();
    context.fillStyle = theme.color("fg");
    context.fill();
  });
  const { exact } = both.path;
  drawLine(pen, [pen.x(exact), box.top - size * 0.4, pen.x(exact), box.bottom], {
    color: theme.color("fg"),
    width: 1.5,
    dash: [4, 3],
  });
  drawText(pen, `exact ${formatFixed(exact, 3)}`, pen.x(exact), box.top - size * 0.9, {
    color: theme.color("fg"),
    halo: true,
  });
  drawText(pen, `▲ this draw; bars: ${REPEATS} repeats of ${n}`, box.right, box.bottom + size * 2, {
    align: "right",
    relative: 0.85,
  });
}

/**
 * From below: ε on its line, the lines up to z, the density of z, and f over it with its slopes.
 * @param {Pen} pen
 * @param {{q: {mu: number, sigma: number}, target: import("../lib/gradients.js").Target, eps: Float64Array,
 *   own: number, t: number}} state  t: how far the draws have risen, 0…1
 */
function drawMap(pen, { q, target, eps, own, t }) {
  const { context, theme, box, size } = pen;
  const tall = box.bottom - box.top;
  const yEps = box.bottom;
  const yZ = box.top + tall * 0.52;
  const accent = theme.color("accent");
  drawScaleX(pen, Z, { label: "ε ~ N(0, 1)" });
  const drawn = Math.min(eps.length, MOST_DRAWN);
  const rise = ease(t);
  // the bell of the noise, dashed as everywhere, and that of z
  const bell = (/** @type {number} */ base, /** @type {number} */ room) => (/** @type {number} */ height) =>
    base - height * room;
  const low = { ...pen, y: bell(yEps, tall * 0.4) };
  drawCurve(low, (z) => density(z, { mu: 0, sigma: 1 }), Z, {
    color: theme.color("fg"),
    width: 1.4,
    dash: [5, 4],
  });
  drawLine(pen, [box.left, yZ, box.right, yZ], { color: theme.color("fg3") });
  const peak = density(q.mu, q);
  const room = (tall * 0.16) / Math.max(peak, 0.4);
  drawCurve({ ...pen, y: bell(yZ, room) }, (z) => density(z, q), Z, { color: accent, width: 1.8 });
  drawText(pen, `z ~ N(${formatFixed(q.mu, 2)}, ${formatFixed(q.sigma, 2)}²)`, box.right, yZ - size * 0.9, {
    color: accent,
    align: "right",
    halo: true,
  });

  context.save();
  context.beginPath();
  context.rect(box.left - size, 0, box.right - box.left + 2 * size, pen.height);
  context.clip();
  for (let i = 0; i < drawn; i++) {
    const [x0, x1] = [pen.x(eps[i]), pen.x(q.mu + q.sigma * eps[i])];
    const [x, y] = [x0 + (x1 - x0) * rise, yEps + (yZ - yEps) * rise];
    context.globalAlpha = 0.35;
    drawLine(pen, [x0, yEps, x, y], { color: accent, width: 1 });
    context.globalAlpha = 1;
    dot(pen, x0, yEps, 2.2, theme.color("fg"));
    dot(pen, x, y, 2.6, accent);
  }
  if (t >= 1) drawTarget(pen, { q, target, eps: eps.subarray(0, drawn), own, yZ });
  const z = q.mu + q.sigma * own;
  drawLine(pen, [pen.x(own), yEps, pen.x(z), yZ], { color: accent, width: 3 });
  dot(pen, pen.x(z), yZ, 5, accent);
  context.restore();
  const middle = [pen.x(own * 0.55 + z * 0.45), yEps * 0.55 + yZ * 0.45];
  drawText(
    pen,
    `ε = ${formatFixed(own, 2)} → z = ${formatFixed(z, 2)}`,
    clamp(middle[0] + size * 0.8, box.left, box.right - size * 11),
    middle[1],
    { color: theme.color("fg"), align: "left", weight: "600", halo: true },
  );
}

/** @param {Pen} pen @param {number} x @param {number} y @param {number} radius @param {string} color */
function dot({ context }, x, y, radius, color) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
}

/**
 * f over the z that were drawn: its height is what the score function weighs, its slope what the path uses.
 * @param {Pen} pen
 * @param {{q: {mu: number, sigma: number}, target: import("../lib/gradients.js").Target, eps: Float64Array,
 *   own: number, yZ: number}} state
 */
function drawTarget(pen, { q, target, eps, own, yZ }) {
  const { context, theme, box, size } = pen;
  const [a, b] = [Math.max(q.mu - 2.6 * q.sigma, Z[0]), Math.min(q.mu + 2.6 * q.sigma, Z[1])];
  let [lo, hi] = [0, 0.5];
  for (let i = 0; i <= 60; i++) {
    const value = target.f(a + ((b - a) * i) / 60);
    lo = Math.min(lo, value);
    hi = Math.max(hi, value);
  }
  const bottom = yZ - (yZ - box.top) * 0.42;
  const unit = (bottom - box.top - size) / (hi - lo);
  const y = (/** @type {number} */ value) => bottom - (value - lo) * unit;
  const high = { ...pen, y };
  const color = theme.color("loss");
  context.save();
  context.beginPath();
  context.rect(box.left, 0, box.right - box.left, bottom + size * 0.4);
  context.clip();
  drawCurve(high, target.f, Z, { color, width: 2 });
  const perUnit = pen.x(1) - pen.x(0);
  for (const e of [...eps, own]) {
    const z = q.mu + q.sigma * e;
    const isOwn = e === own;
    const slope = (-target.df(z) * unit) / perUnit;
    const reach = (isOwn ? size * 2.6 : size * 1.2) / Math.hypot(1, slope);
    drawLine(
      pen,
      [pen.x(z) - reach, y(target.f(z)) - reach * slope, pen.x(z) + reach, y(target.f(z)) + reach * slope],
      { color: theme.color("accent"), width: isOwn ? 3.5 : 1.5 },
    );
    if (isOwn) dot(pen, pen.x(z), y(target.f(z)), 4, theme.color("accent"));
  }
  context.restore();
  const z = q.mu + q.sigma * own;
  drawLine(pen, [pen.x(z), yZ, pen.x(z), Math.max(y(target.f(z)), 0)], {
    color: theme.color("accent"),
    dash: [2, 3],
  });
  drawText(pen, `f(z) = ${target.text}`, box.left, box.top + size * 0.6, {
    color,
    weight: "600",
    align: "left",
    halo: true,
  });
  drawText(pen, "short lines: its slope f′(z)", box.left, box.top + size * 1.9, {
    color: theme.color("accent"),
    align: "left",
    relative: 0.92,
    halo: true,
  });
}
