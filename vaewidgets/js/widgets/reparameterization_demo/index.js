/**
 * ReparameterizationDemo: z = mu + sigma·eps, and why its gradient is the quieter one.
 *
 * View: mu, sigma; f (a name of widgets/reparameterization_demo/gradients.js), samples a gradient estimate, seed of the draws, eps of the draw
 * that is followed.
 * Handle: see host/widget.js; z of the followed draw; gradients gives, by parameter and way, exact, mean and sd of
 * one estimate, and the estimates that are drawn.
 */

import { normals } from "../../contract/random.js";
import { createPlotHandle } from "../../draw/handles.js";
import { createPlot } from "../../draw/plot.js";
import { clamp, linearSlider, logSlider } from "../../draw/scales.js";
import { createPress, createSegments, createSlider } from "../../host/controls.js";
import { h, reducedMotion, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatFixed } from "../../maths/format.js";
import { wholeWithin } from "../../maths/whole.js";
import { estimates, ofOneDraw, TARGETS } from "./gradients.js";
import help from "./help.json" with { type: "json" };
import { drawMap, drawSpreads, REPEATS, spreadRange, verdictOf, WAYS, Z } from "./paint.js";

/** @typedef {import("./gradients.js").Parameter} Parameter */
/** @typedef {import("./gradients.js").Way} Way */
/** @typedef {import("./paint.js").Estimator} Estimator */

const MU = /** @type {[number, number]} */ ([-3, 3]);
const SIGMA = /** @type {[number, number]} */ ([0.1, 3]);
const EPS = /** @type {[number, number]} */ ([-3, 3]);
const MOST_SAMPLES = 256;
const RISE_MS = 900;

export default defineWidget({
  name: "reparameterization-demo",
  label: "Reparameterization",
  help,
  build({ shell, view }) {
    const { theme } = shell;
    const pictures = h("div", "vw-concept-main");
    const side = h("div", "vw-concept-side");
    const spreads = h("div", "vw-gradients");
    shell.body.append(h("div", "vw-concept", {}, [pictures, side]), spreads);

    const q = () => ({ mu: view.get("mu", 0.5), sigma: view.get("sigma", 1.2) });
    const target = () => TARGETS[view.get("f", "square")] ?? TARGETS.square;
    const samples = () => wholeWithin(view.get("samples"), 1, MOST_SAMPLES, 16);
    const setEps = (/** @type {number} */ eps) => view.set("eps", Number(clamp(eps, ...EPS).toFixed(2)));
    let risen = Number.NEGATIVE_INFINITY;
    /** @type {{key: string, eps: Float32Array}} */
    let draws = { key: "", eps: new Float32Array(0) };
    /** @type {Record<Parameter, Record<Way, Estimator>>} */
    let found = /** @type {any} */ (null);

    const picture = createPlot(pictures, {
      theme,
      className: "vw-reparam-map",
      label: "the map from ε to z",
      margins: [2.2, 1, 3, 1],
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
    const knob = createPlotHandle(picture, {
      name: "eps",
      label: "ε of one sample",
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
        scale: logSlider({ min: SIGMA[0], max: SIGMA[1] }),
        onChange: (value) => view.set("sigma", value),
      }),
      samples: createSlider(knobs, {
        name: "samples",
        label: "N",
        title: "samples per gradient estimate",
        unit: "samples",
        min: 1,
        max: MOST_SAMPLES,
        scale: logSlider({ min: 1, max: MOST_SAMPLES, whole: true }),
        onChange: (value) => view.set("samples", Math.round(value)),
      }),
    };
    knobs.append(choices);
    const which = createSegments(choices, {
      name: "f",
      label: "function f",
      choices: Object.entries(TARGETS).map(([value, { text }]) => ({ value, text })),
      onChange: (value) => view.set("f", value),
    });
    const redraw = createPress(side, {
      name: "redraw",
      text: "sample new ε",
      main: true,
      onPress() {
        risen = performance.now();
        view.set("seed", (view.get("seed", 0) + 1) % 100_000);
      },
    });

    side.append(
      h("p", "", { text: "The pathwise estimator uses the slope of f at each sample." }),
      h("p", "", {
        text: "The score-function estimator uses only the values of f and compares samples.",
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
      if (draws.key !== key) draws = { key, eps: normals(samples() * REPEATS, view.get("seed", 0)) };
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
        sliders.mu.update({ value: of.mu });
        sliders.sigma.update({ value: of.sigma });
        sliders.samples.update({ value: samples() });
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
          `∂z∕∂μ = 1 and ∂z∕∂σ = ε = ${two(own)}. ε is an input: the gradient passes to μ and σ.`,
        );
        for (const { by, plot, verdict } of panels) {
          const { path, score } = found[by];
          plot.update({ x: spreadRange(found[by]), y: [0, 1] });
          setText(verdict, verdictOf(path, score));
          plot.describe(`${verdict.textContent} Exact value ${formatFixed(path.exact, 3)}.`);
        }
        picture.describe(`${samples()} samples of ε, shifted by μ and scaled by σ`);
      },
      caption: () =>
        "The noise ε is an input: shifted by μ and scaled by σ, it becomes a sample z of N(μ, σ²).",
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
