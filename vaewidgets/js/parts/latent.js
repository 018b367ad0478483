/**
 * Pieces that more than one widget shows, bound to the frame.
 *
 * @typedef {import("../lib/types.js").Frame} Frame
 * @typedef {import("../lib/types.js").Packed} Packed
 * @typedef {import("./base.js").State} State
 * @typedef {import("./base.js").Context} Context
 */
import { formatVector, subscript } from "../lib/axes.js";
import { toFloat32, toInt32, unpack } from "../lib/bytes.js";
import { createDecoder } from "../lib/decoder.js";
import { h, setText, show } from "../lib/dom.js";
import { createImage } from "../lib/images.js";
import { createScatter } from "../lib/scatter.js";
import { fromPlane } from "../lib/stats.js";
import { createTimeLine, decoderAt } from "./time.js";

/**
 * @param {Frame} frame
 * @param {{kl: Float32Array, varMu: Float32Array} | null} [past] of an earlier moment, in place of the frame's
 * @returns {import("../lib/bars.js").BarsState | null}
 */
export function barsState({ units }, past = null) {
  if (!units) return null;
  return {
    kl: past?.kl ?? toFloat32(units.kl),
    varMu: past?.varMu ?? toFloat32(units.var_mu),
    klThreshold: units.delta,
    varThreshold: units.var_threshold,
  };
}

/** "z1" → "z₁"; a principal axis says how much of the variance it holds. @param {import("../lib/types.js").Part} part @returns {[string, string]} */
export function axisNames({ scatter }) {
  const name = (/** @type {number} */ i) => {
    const given = scatter?.axes[i] ?? "";
    const text = /^z\d+$/.test(given) ? subscript(given) : given;
    const part = scatter?.explained?.[i];
    return part === undefined || part === null ? text : `${text} (${(part * 100).toFixed(0)} %)`;
  };
  return [name(0), name(1)];
}

/** @param {Frame} frame */
export function scatterCaption({ run, scatter }) {
  const images = scatter && scatter.n_train === 0 ? "a test image" : "an image";
  const where =
    run.latent_dim > 2
      ? `the mean of its posterior, ${run.latent_dim} dimensions seen along two`
      : "the mean of its posterior";
  return `Each point is ${images}, at ${where}. Hover to decode, drag to select.`;
}

/** @param {Frame} frame @returns {string[] | null} */
const classNames = ({ run }) => run.class_names;

/**
 * The scatter with what the pointer reads from it: the decoded image, the nearest original.
 * @param {HTMLElement} scatterEl
 * @param {HTMLElement} imagesEl
 * @param {Context} context
 */
export function createLatentView(scatterEl, imagesEl, { shell, link, view }) {
  const decodedView = createImage(imagesEl, { name: "decoded" });
  const nearestView = createImage(imagesEl, { name: "nearest" });
  const place = h("p", "vw-note vw-place");
  const note = h("p", "vw-note vw-reason", { hidden: true });
  const chosen = h("p", "vw-note vw-selected", { hidden: true });
  imagesEl.after(place, note);
  scatterEl.append(chosen);
  const foot = h("div", "vw-stage-foot");
  scatterEl.after(foot);
  const time = createTimeLine(foot, { view });
  /** What the scatter was last drawn from; the same again is not drawn again. @type {any[]} */
  let drawnFrom = [];

  /** @type {State | null} */
  let state = null;
  /** @type {import("../lib/decoder.js").Decoded | null} */
  let decoded = null;
  /** @type {{mean: Float32Array, components: Float32Array} | null} */
  let projection = null;
  /** @type {Packed | null} */
  let originalsSource = null;
  let originals = /** @type {Uint8Array} */ (new Uint8Array(0));
  /** @type {Int32Array | null} */
  let labels = null;
  /** @type {import("../lib/scatter.js").Cursor} */
  let cursor = { at: [0, 0], nearest: -1 };

  const shape = () => state?.frame.run.image_shape ?? /** @type {[number, number, number]} */ ([1, 1, 1]);
  const latentDim = () => state?.frame.run.latent_dim ?? 2;

  const decoder = createDecoder({
    ask: (z) => link.decode(z),
    onDecoded(next) {
      decoded = next;
      showDecoded();
    },
  });

  function showDecoded() {
    const z = fromPlane(cursor.at, projection, latentDim());
    setText(place, `z = ${formatVector(z)}`);
    const none = link.offline ? "no kernel to decode" : "waiting for the decoder";
    const detail = decoded ? `z = ${formatVector(decoded.z)}` : none;
    decodedView.update({ image: decoded?.bytes ?? null, shape: shape(), title: "decoded", detail });
  }

  function showNearest() {
    const size = shape()[0] * shape()[1] * shape()[2];
    const i = cursor.nearest;
    const image = i >= 0 ? originals.subarray(i * size, (i + 1) * size) : null;
    const label = labels && i >= 0 && labels[i] >= 0 ? labels[i] : null;
    const name = label === null || !state ? "" : `: ${classNames(state.frame)?.[label] ?? label}`;
    const whole = image?.length === size ? image : null;
    nearestView.update({
      image: whole,
      shape: shape(),
      title: `nearest original${whole ? name : ""}`,
      detail: whole ? "" : "no thumbnails",
    });
  }

  /** @type {import("../lib/scatter.js").Scatter} */
  const scatter = createScatter(scatterEl, {
    theme: shell.theme,
    label: "Latent space. Arrow keys move the point that is decoded, Enter selects the nearest image.",
    onCursor(next) {
      cursor = next;
      decoder.decode(fromPlane(next.at, projection, latentDim()));
      if (!decoder.local) showDecoded();
      showNearest();
    },
    onSelect(indices) {
      view.set("selected", indices);
      const n = indices.length;
      show(chosen, n > 0);
      setText(chosen, `${n} image${n === 1 ? "" : "s"} selected: .selected in Python, Esc clears`);
    },
  });

  return {
    /** @param {State} next */
    update(next) {
      state = next;
      const { frame } = next;
      const data = frame.scatter;
      if (!data) return;
      time.update(next);
      const past = time.points(data.points.shape[0]);
      const line = past && time.reader.line;
      decoder.setDecoder(decoderAt(next, past ? view.get("time") : null));
      if (next.originals !== originalsSource) {
        originalsSource = next.originals;
        originals = next.originals ? /** @type {Uint8Array} */ (unpack(next.originals)) : new Uint8Array(0);
      }
      const from = [data, line, past && time.moment?.index, originalsSource, decoder.program];
      if (from.every((value, i) => value === drawnFrom[i])) return;
      drawnFrom = from;
      const plane = (line ? line.projection : data.projection) ?? null;
      projection = plane && { mean: toFloat32(plane.mean), components: toFloat32(plane.components) };
      labels = data.labels ? toInt32(data.labels) : null;
      show(note, decoder.reason !== null);
      const who = link.offline ? "no image: there is no kernel here" : "decoded by the kernel";
      setText(note, decoder.reason ? `${who}, and the page cannot decode: ${decoder.reason}` : "");
      const size = Math.max(shape()[0] * shape()[1] * shape()[2], 1);
      scatter.update({
        points: past ?? toFloat32(data.points),
        labels,
        classNames: classNames(frame),
        axes: axisNames(frame),
        prior: line?.prior ?? data.prior,
        pickable: originals.length ? Math.floor(originals.length / size) : data.points.shape[0],
      });
    },
    /** @param {any} content @param {DataView[]} buffers */
    message: (content, buffers) => decoder.reply(content, buffers),
    time,
    handle: {
      /** The moment drawn: index, step, epoch; null: now. */
      get moment() {
        return time.moment;
      },
      /** Target positions of the drawn points, flat (n, 2), data units. */
      points: () => scatter.points(),
      selected: () => scatter.selected(),
      /** The image shown as decoded: bytes in (C, H, W) order, or null. */
      decoded: () => decoded?.bytes ?? null,
      /** The z that was decoded, its image in the value range, milliseconds in the page (null: by the kernel). */
      get hover() {
        return decoded && { z: decoded.z, image: decoded.image, ms: decoded.ms, nearest: cursor.nearest };
      },
      /** Data units to clientX, clientY and back. @type {(x: number, y: number) => number[]} */
      toClient: (x, y) => scatter.toClient(x, y),
      /** @type {(x: number, y: number) => number[]} */
      fromClient: (x, y) => scatter.fromClient(x, y),
    },
    destroy() {
      time.destroy();
      scatter.destroy();
      decodedView.destroy();
      nearestView.destroy();
    },
  };
}
