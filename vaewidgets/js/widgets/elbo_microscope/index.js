/**
 * ElboMicroscope: one image's loss pixel by pixel and dimension by dimension, and the two pulls on its posterior mean.
 *
 * View: image, mu, beta, samples, seed, axes, show; see widgets/elbo_microscope/widget.py.
 * Handle: see host/widget.js; and
 *   found              what is shown: recon, kl, loss, beta, mu, and ofRecon, ofKl, the pulls; null where the page cannot
 *   balance            where they cancel: mu and loss, null until it is found
 *   encoder            the encoder's mean
 *   toClient(u, v)     from the plane to clientX, clientY; at: where the mean stands on it
 * Controls: .vw-micro-sheet, .vw-previous, .vw-next, the handle on the plane, .vw-beta, .vw-own-beta, .vw-samples,
 *   .vw-redraw, .vw-step, .vw-walk, .vw-back, .vw-show, .vw-across, .vw-up.
 */
import { toFloat32, toInt32 } from "../../contract/bytes.js";
import { createImage, fromBytes, toBytes } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { h, reducedMotion, setText, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import {
  dimName,
  formatFixed,
  formatLoss,
  formatNumber,
  formatSetting,
  formatVector,
} from "../../maths/format.js";
import { dimOrder, onPlane } from "../../maths/plane.js";
import { createCodes } from "../../panels/codes.js";
import { drawn, draws } from "./balance.js";
import { costItem } from "./costs.js";
import { createDimensions, MOST_ROWS } from "./dimensions.js";
import help from "./help.json" with { type: "json" };
import { createKnobs, MANY } from "./knobs.js";
import { createLens } from "./lens.js";
import { createPicker } from "./picker.js";
import { createPlane } from "./plane.js";
import { gapText, reasonText, sizesOf, verdict } from "./words.js";

/** @typedef {import("./balance.js").Found} Found */

const PACE_MS = 160;

export default defineWidget({
  name: "elbo-microscope",
  label: "ELBO microscope",
  help,
  build({ shell, view }) {
    const { theme } = shell;
    const images = h("div", "vw-images vw-micro-images");
    const middle = h("div", "vw-micro-middle");
    const sum = h("p", "vw-micro-sum");
    const said = h("p", "vw-micro-said");
    const gap = h("p", "vw-note");
    const reason = h("p", "vw-note vw-reason", { hidden: true });
    const side = h("div", "vw-micro-side", {}, [sum, said, gap]);
    const knobsEl = h("div", "vw-knobs vw-micro-knobs");
    const picker = createPicker(shell.body, { theme, onPick: setImage });
    shell.body.append(h("div", "vw-micro-split", {}, [images, middle, side]), reason);

    const [xView, hatView, costView] = ["x", "x-hat", "cost"].map((name) =>
      createImage(images, { name: `micro-${name}`, theme }),
    );
    const codes = createCodes();
    let state = /** @type {import("../../host/widget.js").State | null} */ (null);
    let posteriors = /** @type {import("../../contract/types.js").Posteriors | null} */ (null);
    let logvars = /** @type {Float32Array} */ (new Float32Array(0));
    let labels = /** @type {Int32Array | null} */ (null);
    let order = /** @type {number[]} */ ([]);
    let seen = { key: "", points: /** @type {Float32Array} */ (new Float32Array(0)) };
    let found = /** @type {Found | null} */ (null);
    let walking = 0;

    const d = () => codes.latent?.d ?? 0;
    const image = () => Math.min(view.get("image", 0) ?? 0, Math.max(codes.count - 1, 0));
    const samples = () => (view.get("samples", MANY) === 1 ? 1 : MANY);
    const runBeta = () => state?.frame.run.beta ?? 1;
    const beta = () => view.get("beta", null) ?? runBeta();
    const encoder = () => codes.code(image());
    function mean() {
      const own = view.get("mu", null);
      return Array.isArray(own) && own.length === d() ? Float32Array.from(own) : encoder();
    }
    /** One or two dimensions. @returns {number[]} */
    function dims() {
      const own = view.get("axes", null);
      return Array.isArray(own) && own.every((j) => j < d()) ? own : order.slice(0, 2);
    }
    /** @param {ArrayLike<number>} values @returns {[number, number]} */
    function onDims(values) {
      const [i, j] = dims();
      return [values[i], j === undefined ? 0 : values[j]];
    }

    /** @param {ArrayLike<number> | null} mu null: the encoder's */
    function setMean(mu) {
      view.set("mu", mu && Array.from(mu));
      view.set("hover", Array.from(mu ?? encoder()));
    }
    function stop() {
      clearTimeout(walking);
      walking = 0;
    }
    function reset() {
      stop();
      setMean(null);
    }
    /** @param {number} i */
    function setImage(i) {
      stop();
      view.set("mu", null);
      view.set("image", (i + codes.count) % Math.max(codes.count, 1));
    }

    const lens = createLens(draw);
    const plane = createPlane(middle, {
      theme,
      onReset: reset,
      onDrag(at) {
        stop();
        const mu = mean();
        dims().forEach((j, k) => {
          mu[j] = at[k];
        });
        setMean(mu);
      },
    });
    const dimensions = createDimensions(side, { theme });
    side.append(knobsEl);
    const knobs = createKnobs(knobsEl, {
      view,
      dims,
      onStep: () => advance(false),
      onWalk: () => advance(true),
      onBack: reset,
    });

    /** What is asked of the network. @param {number} n draws @returns {import("./balance.js").Question} */
    function question(n) {
      const i = image();
      const told = lens.classes ? new Float32Array(lens.classes) : null;
      if (told && state?.options.told && labels) told[labels[i]] = 1;
      return {
        x: fromBytes(codes.image(i) ?? [], state?.frame.run.value_range ?? [0, 1]),
        told,
        logvar: logvars.subarray(i * d(), (i + 1) * d()),
        eps: draws(n, d(), view.get("seed", 0) ?? 0),
        beta: beta(),
        dims: dims(),
      };
    }

    /** One step of the mean towards the balance, or all of them. @param {boolean} all */
    function advance(all) {
      stop();
      const way = lens.wayFrom(mean(), question(MANY), runBeta());
      const move = () => {
        walking = 0;
        const { value, done } = way?.steps.next() ?? { done: true };
        if (done || !value) return;
        setMean(value.mu);
        if (all) walking = window.setTimeout(move, reducedMotion() ? 0 : PACE_MS);
      };
      move();
    }

    function draw() {
      if (!state || !codes.latent) return;
      drawImages(state.frame.run);
      drawPlane(state.frame.run);
      if (found) drawSums(found);
      setText(gap, gapText(lens.start, lens.balance));
    }

    /** @param {import("../../contract/types.js").RunInfo} run */
    function drawImages(run) {
      const i = image();
      const items = itemsOf(run);
      const named = labels && labels[i] >= 0 ? ` (${run.class_names?.[labels[i]] ?? labels[i]})` : "";
      const costs = found && costItem(found.cost, run);
      const detail = "not in this page";
      xView.update({ image: codes.image(i), items, title: `image ${i}${named}`, detail });
      hatView.update({
        image: found && toBytes(found.xHat, run.value_range),
        items,
        title: samples() === 1 ? "decoded, one ε" : "decoded, mean",
        detail,
      });
      costView.update({
        image: costs?.bytes ?? null,
        items: costs?.items ?? items,
        title: costs ? `−log p, max ${formatNumber(costs.most, 3)}` : "−log p",
        detail,
      });
    }

    /** @param {import("../../contract/types.js").RunInfo} run */
    function drawPlane(run) {
      const shown = dims();
      const key = `${shown.join()} ${codes.points.length}`;
      if (key !== seen.key || posteriors !== state?.get("posteriors")) {
        posteriors = state?.get("posteriors") ?? null;
        seen = { key, points: onPlane({ toPlane: onDims }, codes.points, d()) };
      }
      const mu = mean();
      const asked = question(samples());
      const z = drawn(mu, asked);
      plane.update({
        points: seen.points,
        labels,
        classNames: run.class_names,
        names: [dimName(shown[0]), shown.length > 1 ? dimName(shown[1]) : ""],
        mu: onDims(mu),
        sigma: onDims(asked.logvar.map((l) => Math.exp(l / 2))),
        encoder: onDims(encoder()),
        balance: lens.balance && onDims(lens.balance.mu),
        draws: Array.from({ length: samples() }, (_, k) => onDims(z.subarray(k * d(), (k + 1) * d()))),
        pulls: found && { recon: onDims(found.ofRecon), kl: onDims(found.ofKl) },
        sizes: found ? sizesOf(found) : { recon: 0, kl: 0, net: 0 },
        beta: beta(),
        flat: shown.length < 2,
        close: view.get("show", "prior") === "close",
        value: formatVector(mu, 3),
      });
    }

    /** @param {Found} now */
    function drawSums(now) {
      const part = (/** @type {string} */ name, /** @type {string} */ text) =>
        h("span", `vw-micro-${name}`, { text });
      sum.replaceChildren(
        part("loss", `loss ${formatLoss(now.loss)}`),
        " = ",
        part("recon", `recon ${formatLoss(now.recon)}`),
        " + ",
        part("kl", `β ${formatSetting(beta())} × KL ${formatFixed(now.kl, 2)}`),
      );
      setText(said, verdict(now, beta()));
      const kl = now.shift.map((shift, j) => shift + now.spread[j]);
      const rows = d() < 3 ? [...order].sort() : [...order].sort((a, b) => kl[b] - kl[a]);
      dimensions.update(
        rows.slice(0, MOST_ROWS).map((j) => ({
          name: dimName(j),
          shift: now.shift[j],
          spread: now.spread[j],
          recon: now.known.includes(j) ? now.ofRecon[j] : null,
          kl: now.ofKl[j],
        })),
      );
    }

    return {
      update(next) {
        state = next;
        const given = next.get("posteriors");
        if (codes.read(next, given) && codes.latent)
          order = dimOrder(codes.latent, next.frame.run.status === "running" ? order : []);
        if (!codes.latent || !given?.logvar) {
          show(reason, Boolean(given && !given.logvar));
          setText(reason, "This run is an autoencoder: it has no KL, and nothing to balance.");
          return;
        }
        if (given !== posteriors) logvars = toFloat32(given.logvar);
        const known = next.get("sample_labels");
        labels ??= known && toInt32(known);
        lens.setScore(next.get("score"));
        found = codes.image(image()) && lens.look(mean(), question(samples()));
        if (found && lens.can.gradient) {
          const name = [next.get("score")?.step, image(), beta(), view.get("seed", 0)].join();
          lens.seek(name, encoder(), question(MANY), runBeta());
        }
        picker.update({ image: image(), labels, codes, items: itemsOf(next.frame.run) });
        const { can } = lens;
        const close = view.get("show", "prior") === "close";
        knobs.update({ beta: beta(), samples: samples(), close, can: can.score, d: d() });
        const why = reasonText(lens.reason, can, dims());
        show(reason, Boolean(why));
        setText(reason, why ?? "");
        draw();
      },
      caption: () =>
        "What pulls the mean of one image: the likelihood towards what reproduces it, the prior towards 0.",
      handle: {
        get found() {
          return found && { ...found, beta: beta() };
        },
        get balance() {
          return lens.balance && { mu: Array.from(lens.balance.mu), loss: lens.balance.loss };
        },
        get encoder() {
          return Array.from(encoder());
        },
        get at() {
          return onDims(mean());
        },
        /** @type {(u: number, v: number) => number[]} */
        toClient: (u, v) => plane.toClient(u, v),
      },
      destroy() {
        stop();
        lens.destroy();
        for (const part of [xView, hatView, costView, picker, plane, dimensions, knobs]) part.destroy();
      },
    };
  },
});
