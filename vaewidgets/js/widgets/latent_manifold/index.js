/**
 * LatentManifold: a plane of the latent space, decoded cell by cell at the quantiles of the prior.
 *
 * Handle: see host/widget.js; and
 *   cell(kx, ky)       bytes of a decoded cell of the present lattice, or null
 *   cells()            names "kx,ky" of the cells in sight, with the z they stand for
 *   left               how many are still to be decoded
 *   hover              the point under the pointer: z and its image, or null
 *   toClient(u, v)     from the unit square of quantiles to clientX, clientY
 * Controls: .vw-zoom-in, .vw-zoom-out, .vw-reset, .vw-cells, .vw-plane (two selects), .vw-class.
 */

import { createImage } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { createChoice, createPress, createRange } from "../../host/controls.js";
import { h, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { dimName, formatNumber, formatVector } from "../../maths/format.js";
import { dimOrder, planeOf, readLatent } from "../../maths/plane.js";
import { wholeWithin } from "../../maths/whole.js";
import { createClassChoice } from "../../panels/class_choice.js";
import { createDecoding } from "../../panels/decoding.js";
import { createTimeLine, decoderAt } from "../../panels/time.js";
import help from "./help.json" with { type: "json" };
import { createManifold } from "./manifold.js";
import { clampWindow, zoomWindow } from "./tiling.js";

const CELLS = 20;
const [FEWEST, MOST] = [5, 40];

export default defineWidget({
  name: "latent-manifold",
  label: "Latent manifold",
  help,
  build(context) {
    const { shell, commands, view } = context;
    const stage = h("div", "vw-manifold-stage");
    const images = h("div", "vw-manifold-image");
    const place = h("p", "vw-note vw-place");
    const note = h("p", "vw-note vw-reason", { hidden: true });
    const knobs = h("div", "vw-knobs");
    const side = h("div", "vw-manifold-side", {}, [images, place, knobs, note]);
    shell.body.append(h("div", "vw-manifold-split", {}, [stage, side]));

    const preview = createImage(images, { name: "decoded", theme: shell.theme });
    /** @type {import("../../host/widget.js").State | null} */
    let state = null;
    let latent = /** @type {import("../../maths/plane.js").Latent | null} */ (null);
    let latentSource = /** @type {any} */ (null);
    /** @type {number[]} */
    let order = [];
    let plane = /** @type {import("../../maths/plane.js").Plane | null} */ (null);
    let planeKey = "";
    /** @type {Map<string, {bytes: Uint8Array, z: Float32Array}>} */
    let decoded = new Map();
    /** @type {{key: string, z: Float32Array}[]} */
    let jobs = [];
    let drawnLattice = "";
    /** Whether the old cells are shown until the new ones are decoded. */
    let keep = true;

    const { many, refresh } = createDecoding(note, {
      ask: (z) => commands.decode(z),
      start: () => map.refresh(keep),
      onImage(key, bytes) {
        const job = jobs.find((one) => one.key === key);
        if (job) decoded.set(key, { bytes, z: job.z });
        map.setCell(key, bytes);
      },
      onRound: () => map.paint(),
    });

    const window = () => clampWindow({ center: view.get("center", [0.5, 0.5]), span: view.get("span", 1) });
    const across = () => wholeWithin(view.get("cells"), FEWEST, MOST, CELLS);
    /** @param {import("./tiling.js").Window} next */
    function go(next) {
      const { center, span } = clampWindow(next);
      view.set("span", span);
      view.set("center", center);
    }

    const map = createManifold(stage, {
      theme: shell.theme,
      label:
        "Map of decoded images. Arrow keys move it, plus and minus zoom, 0 resets, Shift with arrows moves the decoded point.",
      onWindow: go,
      onHover: (at) => plane && view.set("hover", Array.from(plane.toZ(...at))),
      onWant(cells) {
        if (!plane) return;
        const { toZ } = plane;
        jobs = cells.map(({ key, u, v }) => ({ key, z: toZ(u, v) }));
        many.start(jobs.filter(({ key }) => !decoded.has(key)));
      },
    });

    const zoom = h("div", "vw-group");
    const press = (/** @type {number} */ factor) => () =>
      go(zoomWindow(window(), ...window().center, factor));
    const parts = [
      createPress(zoom, { name: "zoom-in", text: "+", title: "zoom in", onPress: press(1.5) }),
      createPress(zoom, { name: "zoom-out", text: "−", title: "zoom out", onPress: press(1 / 1.5) }),
      createPress(zoom, {
        name: "whole",
        text: "reset view",
        title: "show the whole plane",
        onPress: () => go({ center: [0.5, 0.5], span: 1 }),
      }),
    ];
    zoom.querySelector(".vw-zoom-in")?.setAttribute("aria-label", "zoom in");
    zoom.querySelector(".vw-zoom-out")?.setAttribute("aria-label", "zoom out");
    knobs.append(zoom);
    const cellsKnob = createRange(knobs, {
      name: "cells",
      label: "images per row",
      min: FEWEST,
      max: MOST,
      step: 1,
      onChange: (value) => view.set("cells", value),
    });
    /** @param {0|1} axis @param {string} value */
    function choose(axis, value) {
      if (!latent || value === "auto" || value === "principal")
        return view.set("plane", value === "principal" ? value : null);
      const pair = /** @type {[number, number]} */ (pairOf());
      pair[axis] = Number(value);
      // The same dimension twice is no plane: the other one gives way.
      if (pair[0] === pair[1]) pair[1 - axis] = order.find((i) => i !== pair[axis]) ?? pair[1 - axis];
      return view.set("plane", pair);
    }
    const pairOf = () => {
      const chosen = view.get("plane", null);
      return Array.isArray(chosen) ? [...chosen] : order.slice(0, 2);
    };
    const selects = [
      createChoice(knobs, {
        name: "plane-x",
        label: "across",
        onChange: (value) => choose(0, String(value)),
      }),
      createChoice(knobs, { name: "plane-y", label: "up", onChange: (value) => choose(1, String(value)) }),
    ];
    const classChoice = createClassChoice(knobs, view);
    const time = createTimeLine(stage, context);

    function showSelects() {
      if (!latent) return;
      const { kl, std, d } = latent;
      const chosen = view.get("plane", null);
      const worth = (/** @type {number} */ i) =>
        kl ? `KL ${formatNumber(kl[i], 2)} nats` : `std ${formatNumber(std[i], 2)}`;
      const dims = order.map((i) => ({ value: String(i), text: `${dimName(i)}, ${worth(i)}` }));
      const special = [
        { value: "auto", text: "the two most informative" },
        { value: "principal", text: "principal directions" },
      ];
      const [i, j] = pairOf();
      const auto = chosen === null ? "auto" : chosen === "principal" ? "principal" : String(i);
      selects[0].update({ value: auto, choices: [...special, ...dims], hidden: d < 3 });
      selects[1].update({ value: String(j), choices: dims, hidden: d < 3 || chosen === "principal" });
    }

    function showPreview() {
      if (!state || !plane || !latent) return;
      const items = itemsOf(state.frame.run);
      const pointed = view.get("hover", null);
      const own = pointed && pointed.length === latent.d;
      // Before anyone points: the middle of the plane, so that there is no empty frame.
      const z = own ? pointed : plane.toZ(0.5, 0.5);
      const image = many.now(z);
      setText(place, `z = ${formatVector(z)}${own ? "" : "; hover the map to decode"}`);
      const detail = image ? `z = ${formatVector(z)}` : "waiting for the decoder";
      preview.update({ image: image ?? nearestCell(z), items, title: "decoded", detail });
    }

    /** What the kernel decoded nearest to a point. @param {ArrayLike<number>} z */
    function nearestCell(z) {
      let best = /** @type {Uint8Array | null} */ (null);
      let least = Number.POSITIVE_INFINITY;
      for (const cell of decoded.values()) {
        const far = cell.z.reduce((sum, x, k) => sum + (x - z[k]) ** 2, 0);
        if (far < least) [least, best] = [far, cell.bytes];
      }
      return best;
    }

    return {
      update(next) {
        state = next;
        const { frame } = next;
        const data = frame.latent;
        if (!data) return;
        if (data !== latentSource) {
          latentSource = data;
          latent = readLatent(data);
          order = dimOrder(latent, order);
        }
        if (!latent) return;
        time.update(next);
        const known = many.setDecoder(decoderAt(next, view.get("time", null)));
        const told = many.setLabel(classChoice.update(many.classes, frame.run));
        const chosen = view.get("plane", null);
        plane = planeOf(chosen, latent, order);
        // Planes of fitted Gaussians move with the codes; a plane of the prior stays.
        const moves = chosen === "principal" || !latent.prior;
        const nextKey = JSON.stringify([chosen, plane.axes, moves ? frame.latent?.step : 0]);
        const other = nextKey !== planeKey;
        const jumped = other && planeKey !== "" && !sameAxes(planeKey, nextKey);
        planeKey = nextKey;
        const lattice = `${across()} ${window().span}`;
        if (lattice !== drawnLattice || known || told || other) decoded = new Map();
        drawnLattice = lattice;
        const z = view.get("hover", null);
        map.update({
          window: window(),
          across: across(),
          line: latent.d === 1,
          items: itemsOf(frame.run),
          axes: plane.axes,
          quantile: plane.quantile,
          share: plane.share,
          mark: z && z.length === latent.d ? plane.toUnit(z) : null,
        });
        keep = !jumped;
        refresh(jumped || told, known || other);
        keep = true;
        cellsKnob.update({ value: across() });
        showSelects();
        showPreview();
      },
      message: (content, buffers) => many.reply(content, buffers),
      caption({ frame }) {
        const data = frame.latent;
        const d = frame.run.latent_dim;
        const of = data && !data.prior ? "a Gaussian fitted to the codes" : "the prior";
        const others = d > 2 && view.get("plane", null) !== "principal" ? ", other dimensions fixed" : "";
        return `Decoded images of a latent plane, spaced evenly in probability under ${of}${others}.`;
      },
      handle: {
        /** @type {(kx: number, ky: number) => Uint8Array | null} */
        cell: (kx, ky) => decoded.get(`${kx},${ky}`)?.bytes ?? null,
        cells: () => Array.from(decoded, ([key, { z }]) => ({ key, z: Array.from(z) })),
        get left() {
          return many.left;
        },
        get hover() {
          const z = view.get("hover", null);
          return z && { z, bytes: many.now(z), ms: many.ms };
        },
        /** @type {(u: number, v: number) => number[]} */
        toClient: (u, v) => map.toClient(u, v),
      },
      destroy() {
        many.destroy();
        map.destroy();
        preview.destroy();
        for (const part of [...parts, cellsKnob, ...selects, classChoice, time]) part.destroy();
      },
    };
  },
});

/** Whether two plane keys name the same axes. @param {string} a @param {string} b */
function sameAxes(a, b) {
  return JSON.stringify(JSON.parse(a).slice(0, 2)) === JSON.stringify(JSON.parse(b).slice(0, 2));
}
