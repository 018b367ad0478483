/**
 * BetaAxis: codes, reconstructions, active units and the place on the rate-distortion curve, at the beta of a slider.
 *
 * View: beta (null: the middle). Frame: axis, see contract/compared.py; live key axis_decoder, of one network.
 * Handle: see host/widget.js; at() gives beta, rate, distortion and units' KL as they are drawn, images() the bytes of the
 * reconstructions end to end, points() the drawn codes.
 *
 * Controls: .vw-beta .vw-slider, .vw-handle-beta.
 */

import { toFloat32, toInt32, unpack } from "../../contract/bytes.js";
import { createGrid } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { clamp } from "../../draw/scales.js";
import { createSlider } from "../../host/controls.js";
import { h, setText, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatLoss, formatSetting } from "../../maths/format.js";
import { countAbove } from "../../maths/statistics.js";
import { createBars } from "../../panels/units/bars.js";
import { between, readAt } from "./axis.js";
import { createCurve } from "./curve.js";
import help from "./help.json" with { type: "json" };
import { createMap } from "./map.js";
import { createPictures } from "./pictures.js";

/** @typedef {import("../../contract/types.js").BetaAxisData} BetaAxisData */

/** In nats and as a variance: a unit below is not used. */
const DELTA = 0.01;

/** Arrays of a frame, unpacked once. @param {BetaAxisData} axis */
const opened = (axis) => ({
  axis,
  all: toFloat32(axis.points),
  labels: axis.labels ? toInt32(axis.labels) : null,
  kl: toFloat32(axis.kl),
  varMu: toFloat32(axis.var_mu),
});

/** Which model is seen. @param {BetaAxisData} axis @param {[number, number]} at */
function says({ is_one, names }, [i, share]) {
  if (is_one) return "one network that is told β";
  if (share === 0 || share === 1) return names[i + share];
  return `between ${names[i]} and ${names[i + 1]}: a picture, not a model`;
}

export default defineWidget({
  name: "beta-axis",
  label: "β as an axis",
  help,
  build({ shell, view }) {
    const { theme } = shell;
    const head = h("div", "vw-toolbar vw-axis-head");
    const said = h("p", "vw-note vw-axis-says", { "aria-live": "polite" });
    const [left, right, below] = ["codes", "measures", "images"].map((name) => h("div", `vw-axis-${name}`));
    const main = h("div", "vw-axis", {}, [left, right, below]);
    const note = h("p", "vw-note vw-reason", { hidden: true });
    shell.body.append(head, said, main, note);
    const turn = (/** @type {number} */ beta) => {
      const betas = data?.axis.betas ?? [beta];
      view.set("beta", Number(clamp(beta, betas[0], betas[betas.length - 1]).toPrecision(4)));
    };
    /** @type {ReturnType<typeof createSlider> | null} */
    let slider = null;
    const map = createMap(left, { theme });
    const curve = createCurve(right, { theme, onBeta: turn });
    const bars = createBars(right, { theme });
    const grid = createGrid(below, { theme });
    const pictures = createPictures();
    /** @type {ReturnType<typeof opened> | null} */
    let data = null;
    let drawn = { beta: 1, rate: 0, distortion: 0, kl: new Float32Array(0) };
    let [points, images] = [new Float32Array(0), new Uint8Array(0)];

    /** @param {number[]} betas */
    function betaIn(betas) {
      const [least, most] = [betas[0], betas[betas.length - 1]];
      return clamp(view.get("beta", null) ?? Math.sqrt(least * most), least, most);
    }

    /** @param {NonNullable<typeof data>} seen @param {number} beta @param {[number, number]} at */
    function measure({ axis, kl, varMu }, beta, at) {
      const units = kl.length / axis.betas.length;
      const [rate] = readAt(axis.rate, 1, at);
      const [distortion] = readAt(axis.distortion, 1, at);
      drawn = { beta, rate, distortion, kl: readAt(kl, units, at) };
      curve.update({ ...axis, beta, at: [rate, distortion] });
      bars.update({
        kl: drawn.kl,
        varMu: readAt(varMu, units, at),
        klThreshold: DELTA,
        varThreshold: DELTA,
      });
      const active = `${countAbove(drawn.kl, DELTA)} of ${units} units active`;
      const loss = `rate ${formatLoss(rate)} nats, distortion ${formatLoss(distortion)}`;
      setText(said, `β = ${formatSetting(beta)}: ${loss}, ${active}; ${says(axis, at)}`);
    }

    /** @param {import("../../host/widget.js").State} state @param {BetaAxisData} axis @param {number} beta @param {[number, number]} at */
    function drawImages({ frame, get }, axis, beta, at) {
      const found = pictures.images(axis, beta, at, get("axis_decoder"));
      const rows = [{ name: "originals", images: /** @type {Uint8Array} */ (unpack(axis.originals)) }];
      if (found) rows.push({ name: "reconstructions", images: found });
      images = found ?? new Uint8Array(0);
      const labels = axis.image_labels ? toInt32(axis.image_labels) : [];
      const names = Array.from(labels, (label) => frame.run.class_names?.[label] ?? String(label));
      grid.update({ rows, items: itemsOf(frame.run), names });
      show(note, found === null);
      setText(note, found ? "" : `no reconstructions, since the page cannot decode: ${pictures.reason}`);
    }

    return {
      update(state) {
        const { axis, run } = state.frame;
        show(main, Boolean(axis));
        if (!axis) return;
        if (axis !== data?.axis) data = opened(axis);
        const { betas } = axis;
        const beta = betaIn(betas);
        const at = between(betas, beta);
        slider ??= createSlider(head, {
          name: "beta",
          label: "β",
          title: "weight of the KL term",
          min: betas[0],
          max: betas[betas.length - 1],
          onChange: turn,
        });
        slider.update({ value: beta });
        points = readAt(data.all, data.all.length / betas.length, at);
        const text = `codes of ${points.length / 2} images at β = ${formatSetting(beta)}`;
        const { labels, all } = data;
        const axes = /** @type {[string, string]} */ (axis.axes);
        const nameOf = (/** @type {number} */ label) => run.class_names?.[label] ?? String(label);
        map.update({ points, all, labels, axes, prior: axis.prior, nameOf }, text);
        measure(data, beta, at);
        drawImages(state, axis, beta, at);
      },
      caption({ frame: { axis } }) {
        if (!axis) return "";
        const over = `${axis.n} ${axis.is_test ? "test images" : "images"}`;
        return `Rate against distortion (recon) of ${over}; dashed: slope −β; between the dots interpolated.`;
      },
      handle: { at: () => drawn, images: () => images, points: () => points },
      destroy() {
        for (const part of [map, curve, bars, grid, pictures]) part.destroy();
        slider?.destroy();
      },
    };
  },
});
