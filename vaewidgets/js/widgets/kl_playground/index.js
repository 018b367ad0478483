/**
 * KLPlayground: two Gaussians, what their KL sums over z, and what the shift and the spread cost.
 *
 * View: mu, sigma, prior_mu, prior_sigma; direction "qp" or "pq"; kept, a list of [mu, sigma].
 * Handle: see host/widget.js; kl gives {shift, spread, total} of KL(q ‖ p), reverse those of KL(p ‖ q), areas those
 * of the drawn integrand, in nats.
 */

import { drawScaleX, drawScaleY } from "../../draw/axes.js";
import { createPlotHandle } from "../../draw/handles.js";
import { drawCurve, drawLine, drawText } from "../../draw/pen.js";
import { createPlot } from "../../draw/plot.js";
import { clamp, linearSlider, logSlider, roundUp } from "../../draw/scales.js";
import { createPress, createSlider } from "../../host/controls.js";
import { h, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatFixed } from "../../maths/format.js";
import { density, klAreas, klIntegrand, klParts } from "../../maths/gaussian.js";
import help from "./help.json" with { type: "json" };
import { createKlRow, nats } from "./rows.js";

/** @typedef {import("../../maths/gaussian.js").Gaussian} Gaussian */
/** @typedef {import("../../draw/pen.js").PlotPen} PlotPen */

const Z = /** @type {[number, number]} */ ([-6, 6]);
const MU = /** @type {[number, number]} */ ([-4, 4]);
const SIGMA = /** @type {[number, number]} */ ([0.03, 5]);
const MOST_KEPT = 8;
const MARGINS = /** @type {[number, number, number, number]} */ ([2.4, 0.8, 3, 3.4]);

/** @param {Gaussian} of */
const named = ({ mu, sigma }) => `N(${formatFixed(mu, 2)}, ${formatFixed(sigma, 2)}²)`;
const round = (/** @type {number} */ value) => Number(value.toFixed(3));

export default defineWidget({
  name: "kl-playground",
  label: "KL of two Gaussians",
  help,
  build({ shell, view }) {
    const { theme } = shell;
    const pictures = h("div", "vw-concept-main");
    const side = h("div", "vw-concept-side");
    shell.body.append(h("div", "vw-concept", {}, [pictures, side]));

    const q = () => ({ mu: view.get("mu", 1), sigma: view.get("sigma", 0.5) });
    const p = () => ({ mu: view.get("prior_mu", 0), sigma: view.get("prior_sigma", 1) });
    const isForward = () => view.get("direction", "qp") === "qp";
    const setMu = (/** @type {number} */ mu) => view.set("mu", round(clamp(mu, ...MU)));
    const setSigma = (/** @type {number} */ sigma) => view.set("sigma", round(clamp(sigma, ...SIGMA)));

    const above = createPlot(pictures, {
      theme,
      className: "vw-kl-densities",
      label: "densities",
      margins: MARGINS,
      paint: (pen) => drawDensities(pen, q(), p()),
    });
    const below = createPlot(pictures, {
      theme,
      className: "vw-kl-integrand",
      label: "integrand",
      margins: MARGINS,
      paint: (pen) => drawIntegrand(pen, q(), p(), isForward()),
    });
    const mean = createPlotHandle(above, {
      name: "mean",
      label: "mean of q",
      onMove: (z) => setMu(z),
      onKey: (dx) => setMu(q().mu + dx * 0.05),
    });
    const width = createPlotHandle(above, {
      name: "width",
      label: "standard deviation of q",
      onMove: (z) => setSigma(z - q().mu),
      onKey: (dx) => setSigma(q().sigma * 1.05 ** dx),
    });

    /** @param {import("../../contract/types.js").ViewKey} name @param {string} label @param {string} title @param {[number, number]} range @param {boolean} log */
    const slider = (name, label, title, [min, max], log) =>
      createSlider(knobs, {
        name,
        label,
        title,
        min,
        max,
        scale: log ? logSlider({ min, max }) : linearSlider({ min, max, step: 0.01 }),
        onChange: (value) => view.set(name, value),
      });
    const knobs = h("div", "vw-concept-knobs");
    side.append(knobs);
    knobs.append(h("p", "vw-knobs-title vw-is-q", { text: "posterior q" }));
    const sliders = [
      slider("mu", "μ", "mean of the posterior", MU, false),
      slider("sigma", "σ", "standard deviation of the posterior", SIGMA, true),
    ];
    knobs.append(h("p", "vw-knobs-title", { text: "prior p" }));
    sliders.push(
      slider("prior_mu", "m", "mean of the prior", MU, false),
      slider("prior_sigma", "s", "standard deviation of the prior", SIGMA, true),
    );

    const rows = h("div", "vw-kl-rows");
    side.append(rows);
    const forward = createKlRow(rows, {
      name: "KL(q ‖ p)",
      note: "the VAE's KL term",
      onPress: () => view.set("direction", "qp"),
    });
    const reverse = createKlRow(rows, {
      name: "KL(p ‖ q)",
      note: "reverse direction",
      onPress: () => view.set("direction", "pq"),
    });
    const keep = createPress(side, {
      name: "keep",
      text: "pin for comparison",
      onPress: () => view.set("kept", [...kept(), [q().mu, q().sigma]].slice(-MOST_KEPT)),
    });
    const list = h("div", "vw-kl-kept", { role: "list", "aria-label": "pinned, the lowest KL first" });
    side.append(list);
    /** @returns {[number, number][]} */
    const kept = () => view.get("kept", []);
    let drawnKept = "";

    function showKept() {
      const wanted = JSON.stringify([kept(), p()]);
      if (wanted === drawnKept) return;
      drawnKept = wanted;
      const costs = kept()
        .map(([mu, sigma], i) => ({ mu, sigma, i, kl: klParts({ mu, sigma }, p()) }))
        .sort((a, b) => a.kl.total - b.kl.total);
      const most = Math.max(...costs.map(({ kl }) => kl.total), 0.01);
      list.replaceChildren(
        ...costs.map(({ mu, sigma, i, kl }) => {
          const bring = h("button", "vw-kl-bring", { type: "button", text: named({ mu, sigma }) });
          bring.title = "show it again";
          bring.addEventListener("click", () => {
            view.set("mu", mu);
            view.set("sigma", sigma);
          });
          const drop = h("button", "vw-kl-drop", {
            type: "button",
            "aria-label": `remove ${named({ mu, sigma })}`,
            text: "×",
          });
          drop.addEventListener("click", () => view.set("kept", kept().toSpliced(i, 1)));
          const bar = h("div", "vw-kl-track vw-kl-small", {}, [
            h("div", "vw-kl-shift", { style: `width:${((100 * kl.shift) / most).toFixed(2)}%` }),
            h("div", "vw-kl-spread", { style: `width:${((100 * kl.spread) / most).toFixed(2)}%` }),
          ]);
          return h("div", "vw-kl-one", { role: "listitem" }, [
            bring,
            bar,
            h("span", "vw-kl-cost", { text: nats(kl.total) }),
            drop,
          ]);
        }),
      );
    }

    return {
      update() {
        const [of, prior] = [q(), p()];
        const standard = prior.mu === 0 && prior.sigma === 1;
        const peak = Math.max(density(of.mu, of), density(prior.mu, prior));
        above.update({ x: Z, y: [0, roundUp(peak * 1.12, [1, 1.5, 2, 3, 5, 7])] });
        below.update({ x: Z, y: integrandRange(of, prior, isForward()) });
        [of.mu, of.sigma, prior.mu, prior.sigma].forEach((value, i) => {
          sliders[i].update({ value });
        });
        const [min, max] = MU;
        const says = `${formatFixed(of.mu, 2)}, KL ${nats(klParts(of, prior).total)}`;
        mean.update({ at: [of.mu, density(of.mu, of)], now: of.mu, min, max, text: says });
        const edge = of.mu + of.sigma;
        width.update({
          at: [Math.min(edge, Z[1]), density(Math.min(edge, Z[1]), of)],
          now: of.sigma,
          min: SIGMA[0],
          max: SIGMA[1],
          text: `${formatFixed(of.sigma, 2)}, KL ${nats(klParts(of, prior).total)}`,
        });
        const both = [klParts(of, prior), klParts(prior, of)];
        const top = roundUp(Math.max(...both.map(({ total }) => total), 0.5));
        forward.update({
          ...both[0],
          top,
          pressed: isForward(),
          shiftText: standard ? "½ μ²" : "½ (μ − m)² ∕ s²",
          spreadText: standard ? "½ (σ² − ln σ² − 1)" : "½ (r − ln r − 1), r = σ² ∕ s²",
        });
        reverse.update({
          ...both[1],
          top,
          pressed: !isForward(),
          shiftText: standard ? "½ μ² ∕ σ²" : "½ (μ − m)² ∕ σ²",
          spreadText: standard ? "½ (1 ∕ σ² + ln σ² − 1)" : "½ (1 ∕ r + ln r − 1)",
        });
        showKept();
        show(list, kept().length > 0);
        keep.update({ disabled: kept().length >= MOST_KEPT });
        above.describe(`posterior q = ${named(of)}, prior p = ${named(prior)}`);
        const { above: plus, below: minus } = areas();
        below.describe(
          `integrand: ${formatFixed(plus, 3)} above zero, ${formatFixed(minus, 3)} below, in nats`,
        );
      },
      caption: () => "KL divergence of q from p, in nats. Drag the two handles: mean and standard deviation.",
      handle: {
        get kl() {
          return klParts(q(), p());
        },
        get reverse() {
          return klParts(p(), q());
        },
        get areas() {
          return areas();
        },
      },
      destroy() {
        above.destroy();
        below.destroy();
        keep.destroy();
        for (const one of [...sliders, forward, reverse]) one.destroy();
      },
    };

    function areas() {
      return isForward() ? klAreas(q(), p()) : klAreas(p(), q());
    }
  },
});

/** Of a picture in which the names of the densities stand at their slopes, in units of the type size. */
const ROOM_FOR_NAMES_EM = 36;

/** @param {Gaussian} q @param {Gaussian} p @param {boolean} forward @returns {[number, number]} */
function integrandRange(q, p, forward) {
  let [lo, hi] = [0, 0];
  for (let i = 0; i <= 600; i++) {
    const z = Z[0] + ((Z[1] - Z[0]) * i) / 600;
    const value = forward ? klIntegrand(z, q, p) : klIntegrand(z, p, q);
    lo = Math.min(lo, value);
    hi = Math.max(hi, value);
  }
  const top = roundUp(Math.max(hi * 1.1, 0.2), [1, 1.5, 2, 3, 5, 7]);
  return [-roundUp(Math.max(-lo * 1.2, top / 8), [1, 1.5, 2, 3, 5, 7]), top];
}

/** @param {PlotPen} pen @param {Gaussian} q @param {Gaussian} p */
function drawDensities(pen, q, p) {
  const { size, box, x, y } = pen;
  drawScaleY(pen, { label: "density", count: 3 });
  const isNarrow = box.width < size * ROOM_FOR_NAMES_EM;
  drawScaleX(pen, { label: "z" });
  drawCurve(pen, (z) => density(z, q), { fill: "accent", alpha: 0.16 });
  drawCurve(pen, (z) => density(z, p), { color: "fg", width: 1.6, dash: [5, 4] });
  drawCurve(pen, (z) => density(z, q), { color: "accent", width: 2.6 });
  // The shift, where there is one, as a measure between the means.
  if (Math.abs(q.mu - p.mu) > 0.12) {
    const at = box.bottom - size * 0.9;
    drawLine(pen, [x(p.mu), at, x(q.mu), at], { color: "kl", width: 2 });
    for (const mu of [p.mu, q.mu]) drawLine(pen, [x(mu), at - 5, x(mu), at + 5], { color: "kl", width: 2 });
    drawText(pen, "shift", x((p.mu + q.mu) / 2), at - size * 0.8, { color: "kl", halo: 4 });
  }
  const edge = Math.min(q.mu + q.sigma, Z[1]);
  const height = y(density(edge, q));
  drawLine(pen, [x(q.mu), height, x(edge), height], { color: "accent", width: 1.5 });
  // Names at the slopes that look away from each other.
  const side = q.mu >= p.mu ? 1 : -1;
  const names = /** @type {const} */ ([
    { text: `p = ${named(p)}`, of: p, side: -side, color: "fg" },
    { text: `q = ${named(q)}`, of: q, side, color: "accent", weight: "600" },
  ]);
  let end = box.right;
  for (const { text, of, side: toward, ...style } of names) {
    if (!isNarrow) {
      label(pen, text, of, toward, style);
      continue;
    }
    // Where there is no room beside the curves, above them.
    drawText(pen, text, end, box.top - size * 0.8, {
      ...style,
      baseline: "bottom",
      align: "right",
      relative: 0.92,
    });
    end -= pen.context.measureText(text).width + size;
  }
}

/** @param {PlotPen} pen @param {string} text @param {Gaussian} of @param {number} side @param {{color: string, weight?: string}} style */
function label(pen, text, of, side, style) {
  const { box, size } = pen;
  const z = of.mu + side * 1.25 * of.sigma;
  const wide = text.length * size * 0.56;
  const least = box.left + (side < 0 ? wide : 0);
  const px = clamp(pen.x(z) + side * size * 0.8, least, box.right - (side > 0 ? wide : 0));
  const py = clamp(pen.y(density(z, of)) - size * 0.6, box.top + size, box.bottom - size * 2.6);
  drawText(pen, text, px, py, { ...style, align: side > 0 ? "left" : "right", halo: 4, relative: 1.08 });
}

/** @param {PlotPen} pen @param {Gaussian} q @param {Gaussian} p @param {boolean} forward */
function drawIntegrand(pen, q, p, forward) {
  const { size, box } = pen;
  const [first, second] = forward ? [q, p] : [p, q];
  const f = (/** @type {number} */ z) => klIntegrand(z, first, second);
  const name = forward ? "q ln(q ∕ p)" : "p ln(p ∕ q)";
  drawScaleY(pen, { label: `${name}, nats per unit of z`, count: 3 });
  drawScaleX(pen, { label: "z" });
  drawCurve(pen, (z) => Math.max(f(z), 0), { fill: "kl", alpha: 0.6 });
  drawCurve(pen, (z) => Math.min(f(z), 0), { fill: "fg3", alpha: 0.6 });
  drawLine(pen, [box.left, pen.y(0), box.right, pen.y(0)], { color: "fg3" });
  const { above, below } = klAreas(first, second);
  const sum = `area ${formatFixed(above, 3)} − ${formatFixed(-below, 3)} = ${nats(above + below)}`;
  const style = /** @type {const} */ ({
    color: "kl",
    weight: "600",
    align: "right",
    halo: 4,
    relative: 1.08,
  });
  drawText(pen, sum, box.right, box.top + size * 0.4, style);
}
