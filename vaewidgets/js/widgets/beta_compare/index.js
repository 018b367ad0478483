/**
 * BetaCompare: several runs side by side over a setting. Handle: see host/widget.js; rows() gives what is drawn of the
 * images (name, bytes end to end, whether faint) and drawn of which view and seed they are; curves() and readout() as in
 * TrainingCurves, clouds() and rates().
 *
 * Controls: .vw-show (radio buttons), .vw-at .vw-slider (which run stands at the front), .vw-redraw.
 */

import { toFloat32, toInt32, unpack } from "../../contract/bytes.js";
import { createGrid } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { createPress, createRange, createSegments } from "../../host/controls.js";
import { h, setText, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatLoss } from "../../maths/format.js";
import { newestOf } from "../../maths/newest.js";
import { createCurvesView, labelOf, partsOf } from "../../panels/curves/index.js";
import { axisNames } from "../../panels/latent/index.js";
import { createClouds } from "./clouds.js";
import help from "./help.json" with { type: "json" };
import { createPictures } from "./pictures.js";
import { createRatePlot } from "./rate_plot.js";

/** @typedef {import("../../contract/types.js").Part} Part */
/** @typedef {import("../../contract/types.js").Frame} Frame */

const VIEWS = [
  { value: "recon", text: "reconstructions" },
  { value: "samples", text: "samples" },
  { value: "latent", text: "latent spaces" },
  { value: "curves", text: "curves" },
  { value: "rate", text: "rate–distortion" },
];
/** @type {Record<string, string>} */
const CAPTIONS = {
  recon: "The same images, reconstructed from z = μ + σ·ε with the same ε for every run.",
  samples: "The same samples z ~ N(0, I), decoded by each run.",
  latent: "Codes of the same images in each run, on one scale; dashed: the prior.",
  curves: "Each quantity has its own color; the runs differ in dash pattern and lightness.",
  rate: "Rate (information sent) against distortion (error); bars: standard errors over the images.",
};

/** "β = 4: epoch 12, test recon 343.0 nats, KL 3.01 nats per image" @param {Part} part */
export function sayRun(part) {
  const recon = newestOf(part, "recon");
  const kl = newestOf(part, "kl");
  const words = [`${labelOf(part)}: epoch ${part.run.epoch}`];
  if (recon) words.push(`${recon.split} recon ${formatLoss(recon.value)} ${part.run.unit}`);
  if (kl) words.push(`KL ${formatLoss(kl.value)} nats per image`);
  return words.join(", ");
}

export default defineWidget({
  name: "beta-compare",
  label: "Runs side by side",
  help,
  build(context) {
    const { shell, view } = context;
    const head = h("div", "vw-toolbar");
    const said = h("p", "vw-note vw-front-says", { "aria-live": "polite" });
    const note = h("p", "vw-note vw-reason", { hidden: true });
    const panes = Object.fromEntries(VIEWS.map(({ value }) => [value, h("div", `vw-pane vw-pane-${value}`)]));
    shell.body.append(head, ...Object.values(panes), said, note);
    const shown = createSegments(head, {
      name: "show",
      label: "what to compare",
      choices: VIEWS,
      onChange: (value) => view.set("show", value),
    });
    /** @type {string[]} */
    let stops = [];
    const turn = createRange(head, {
      name: "at",
      label: "highlight",
      title: "step through the runs",
      min: 0,
      max: 1,
      step: 1,
      describe: (stop) => stops[stop] ?? "",
      onChange: (stop) => view.set("at", stop === 0 ? null : stop - 1),
    });
    const redraw = createPress(head, {
      name: "redraw",
      text: "sample ε again",
      onPress: () => view.set("seed", view.get("seed", 0) + 1),
    });
    const pictures = createPictures();
    const { theme } = shell;
    const grids = {
      recon: createGrid(panes.recon, { theme }),
      samples: createGrid(panes.samples, { theme }),
    };
    const clouds = createClouds(panes.latent, { theme });
    const curves = createCurvesView(panes.curves, context);
    const plot = createRatePlot(panes.rate, { theme });
    /** @type {{name: string, images: Uint8Array, faint: boolean}[]} */
    let rows = [];
    let drawn = { what: "", seed: -1 };
    /** @type {import("./clouds.js").CloudState[]} */
    let drawnClouds = [];
    /** @type {import("./rate_plot.js").RatePoint[]} */
    let rates = [];

    /** @param {import("../../host/widget.js").State} state @param {"recon"|"samples"} what @param {number|null} at */
    function drawImages(state, what, at) {
      const { frame } = state;
      if (!frame.compare) return;
      const parts = partsOf(frame);
      const seed = view.get("seed", 0);
      const found = pictures.rows(state, what, seed);
      drawn = { what, seed };
      rows = found.flatMap(({ images }, i) =>
        images ? [{ name: labelOf(parts[i]), images, faint: at !== null && at !== i }] : [],
      );
      const without = parts.filter((_, i) => !found[i].images && parts[i].pictures).map(labelOf);
      const late = found.some((one) => one.late);
      if (what === "recon") {
        const images = /** @type {Uint8Array} */ (unpack(frame.compare.originals));
        rows.unshift({ name: "originals", images, faint: false });
      }
      const labels = what === "recon" && frame.compare.labels ? toInt32(frame.compare.labels) : [];
      const names = Array.from(labels, (label) => frame.run.class_names?.[label] ?? String(label));
      if (rows.length) grids[what].update({ rows, items: itemsOf(frame.run), names });
      const words = [];
      if (without.length) words.push(`${without.join(", ")}: an autoencoder has no prior to sample from`);
      if (late) words.push("these are not the newest samples: only the kernel can decode those");
      say(words.join("; "));
    }

    /** @param {string} text */
    function say(text) {
      show(note, text !== "");
      setText(note, text);
    }

    /** @param {Frame} frame @param {number|null} at */
    function drawClouds(frame, at) {
      drawnClouds = partsOf(frame).flatMap((part, i) => {
        const data = part.scatter;
        if (!data) return [];
        const dims = part.run.latent_dim;
        return [
          {
            name: labelOf(part),
            points: toFloat32(data.points),
            labels: data.labels ? toInt32(data.labels) : null,
            prior: data.prior,
            faint: at !== null && at !== i,
            note: dims > 2 ? `${dims} dimensions projected on ${axisNames(part).join(" and ")}` : "",
          },
        ];
      });
      const direct = frame.scatter?.mode !== "pca";
      clouds.update({
        clouds: drawnClouds,
        axes: direct ? axisNames(frame) : ["first axis", "second"],
        nameOf: (label) => frame.run.class_names?.[label] ?? String(label),
      });
      say("");
    }

    /** @param {Frame} frame @param {number|null} at */
    function drawRates(frame, at) {
      const parts = partsOf(frame);
      rates = parts.flatMap((part, i) => {
        const { rate } = part;
        if (!rate) return [];
        return [
          {
            name: labelOf(part),
            rate: rate.rate,
            distortion: rate.distortion,
            rateError: rate.rate_error ?? 0,
            distortionError: rate.distortion_error ?? 0,
            faint: at !== null && at !== i,
          },
        ];
      });
      const first = parts.find((part) => part.rate)?.rate;
      plot.update({ points: rates, unit: first?.unit ?? "", normalised: first?.normalised ?? false });
      say(first ? "" : "No run has a posterior variance: the rate of an autoencoder is not defined.");
    }

    return {
      update(state) {
        const { frame } = state;
        const parts = partsOf(frame);
        const what = view.get("show", "recon");
        const given = view.get("at");
        const at = Number.isInteger(given) && given >= 0 && given < parts.length ? given : null;
        shown.update({ value: what });
        stops = ["all", ...parts.map(labelOf)];
        turn.update({ value: at === null ? 0 : at + 1, max: stops.length - 1, hidden: parts.length < 2 });
        const drawing = what === "recon" || what === "samples";
        redraw.update({ text: what === "samples" ? "sample z again" : "sample ε again", hidden: !drawing });
        for (const [name, pane] of Object.entries(panes)) show(pane, name === what);
        if (drawing) drawImages(state, what, at);
        else if (what === "latent") drawClouds(frame, at);
        else if (what === "rate") drawRates(frame, at);
        else {
          curves.update(frame, at);
          say("");
        }
        setText(said, at === null ? "" : sayRun(parts[at]));
        show(said, at !== null);
      },
      caption: () => CAPTIONS[view.get("show", "recon")],
      handle: {
        ...curves.handle,
        /** Drawn rows: name, bytes of the images end to end, whether faint. */
        rows: () => rows,
        drawn: () => drawn,
        /** Drawn latent spaces. */
        clouds: () => drawnClouds,
        /** Drawn places in the rate–distortion plane. */
        rates: () => rates,
      },
      destroy() {
        for (const part of [pictures, shown, turn, redraw, grids.recon, grids.samples, clouds, curves, plot])
          part.destroy();
      },
    };
  },
});
