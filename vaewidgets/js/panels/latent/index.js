/**
 * Pieces that more than one widget shows, bound to the frame.
 *
 * @typedef {import("../../contract/types.js").Frame} Frame
 * @typedef {import("../../contract/types.js").Packed} Packed
 * @typedef {import("../../host/widget.js").State} State
 * @typedef {import("../../host/widget.js").Context} Context
 */

import { toFloat32, toInt32 } from "../../contract/bytes.js";
import { createImage } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { createScatter } from "../../draw/scatter/index.js";
import { createDecoder } from "../../graphs/decoder.js";
import { createPress } from "../../host/controls.js";
import { h, setText, show } from "../../host/dom.js";
import { isBelow } from "../../host/pointer.js";
import { coloredLabels } from "../../maths/classes.js";
import { formatVector, subscript } from "../../maths/format.js";
import { fromPlane, nearestRow, toPlane } from "../../maths/statistics.js";
import { createThumbnails, nearestOf } from "../thumbnails.js";
import { createTimeLine, decoderAt } from "../time.js";
import { createCue } from "./cue.js";
import { createHoverCard } from "./hover_card.js";
import { createLook } from "./point_style.js";

/**
 * @param {Frame} frame
 * @param {{kl: Float32Array, varMu: Float32Array} | null} [past] of an earlier moment, in place of the frame's
 * @returns {import("../units/bars.js").BarsState | null}
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

/** "z1" → "z₁"; a principal axis says how much of the variance it holds. @param {import("../../contract/types.js").Part} part @returns {[string, string]} */
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
  const test = run.test_name ? `an image ${run.test_name}` : "a test image";
  const images = scatter && scatter.n_train === 0 ? test : "an image";
  const where =
    run.latent_dim > 2
      ? `the mean of its posterior, ${run.latent_dim} dimensions projected on two`
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
export function createLatentView(scatterEl, imagesEl, context) {
  const { shell, commands, view } = context;
  const decodedView = createImage(imagesEl, { name: "decoded", theme: shell.theme });
  const nearestView = createImage(imagesEl, { name: "nearest", theme: shell.theme });
  const place = h("p", "vw-note vw-place");
  const note = h("p", "vw-note vw-reason", { hidden: true });
  const chosenText = h("span");
  const chosen = h("p", "vw-note vw-selected", { hidden: true }, [chosenText]);
  createPress(chosen, { name: "unselect", text: "clear", title: "select nothing (Esc)", onPress: unselect });
  decodedView.el.append(place);
  imagesEl.after(note);
  scatterEl.append(chosen);
  const foot = h("div", "vw-stage-foot");
  scatterEl.after(foot);
  const look = createLook(foot, context);
  const time = createTimeLine(foot, { view });
  /** What the scatter was last drawn from; the same again is not drawn again. @type {any[]} */
  let drawnFrom = [];

  /** @type {State | null} */
  let state = null;
  /** @type {import("../../graphs/decoder.js").Decoded | null} */
  let decoded = null;
  /** @type {{mean: Float32Array, components: Float32Array} | null} */
  let projection = null;
  const thumbnails = createThumbnails();
  /** @type {Int32Array | null} */
  let labels = null;
  /** @type {import("../../draw/scatter/index.js").Cursor} */
  let cursor = { at: [0, 0], nearest: -1 };
  /** What is decoded, and the hover of the view that the cursor stands at. @type {Float32Array} */
  let z = new Float32Array(0);
  let hovered = "null";
  /** Posterior means under t-SNE, which has no way back from the plane. @type {Float32Array | null} */
  let means = null;
  /** Whether the next image is a new one of the place that was shown before: it fades in. */
  let fade = false;
  /** Told whenever the picture was drawn. @type {() => void} */
  let onDraw = () => {};

  const items = () => itemsOf(state?.frame.run ?? { image_shape: [1, 1, 1] });
  const latentDim = () => state?.frame.run.latent_dim ?? 2;

  const decoder = createDecoder({
    ask: (z) => commands.decode(z),
    onDecoded(next) {
      decoded = next;
      showDecoded();
    },
  });

  function showDecoded() {
    setText(place, `z = ${formatVector(z)}`);
    const none = commands.offline ? "no kernel to decode" : "waiting for the decoder";
    const detail = decoded ? `z = ${formatVector(decoded.z)}` : none;
    decodedView.update({ image: decoded?.bytes ?? null, items: items(), title: "decoded", detail, fade });
    card.draw(decoded?.bytes ?? null, items());
  }

  function showNearest() {
    const i = cursor.nearest;
    const whole = thumbnails.image(i);
    const label = labels && i >= 0 && labels[i] >= 0 ? labels[i] : null;
    const name = label === null || !state ? "" : `: ${classNames(state.frame)?.[label] ?? label}`;
    nearestView.update({
      image: whole,
      items: items(),
      title: `${nearestOf(thumbnails.count, state?.frame.scatter?.points.shape[0] ?? 0)}${whole ? name : ""}`,
      detail: whole ? "" : "no thumbnails",
    });
  }

  /** @type {import("../../draw/scatter/index.js").Scatter} */
  const scatter = createScatter(scatterEl, {
    theme: shell.theme,
    label: "Latent space. Arrow keys move the point that is decoded, Enter selects the nearest image.",
    onCursor(next, moved) {
      cursor = next;
      if (!moved) return; // `update` or `followView`, which moved the cursor, decodes
      z = underCursor();
      const numbers = Array.from(z);
      hovered = JSON.stringify(numbers);
      view.set("hover", numbers);
      fade = false;
      decode();
    },
    onSelect(indices) {
      view.set("selected", indices);
      showSelected(indices.length);
    },
    onClass: (label, add) => look.press(label, add),
    onDraw() {
      const { at, on } = scatter.pointing();
      card.place(at, on);
      onDraw();
    },
  });
  // In one column the large image lies below the map, mostly out of sight.
  const card = createHoverCard(scatter.stage.wrap, shell.theme, () => isBelow(imagesEl, scatterEl));

  const cue = createCue(scatter.stage.wrap);

  function underCursor() {
    const d = latentDim();
    if (!means) return fromPlane(cursor.at, projection, d);
    return cursor.nearest < 0
      ? new Float32Array(d)
      : means.slice(d * cursor.nearest, d * (cursor.nearest + 1));
  }

  function decode() {
    decoder.decode(z);
    if (!decoder.local) showDecoded();
    showNearest();
  }

  /** @param {number} n */
  function showSelected(n) {
    show(chosen, n > 0);
    const where = commands.offline ? "" : " (`.selected` in Python)";
    setText(chosenText, `${n} image${n === 1 ? "" : "s"} selected${where} `);
  }

  function unselect() {
    scatter.setSelected([]);
    view.set("selected", []);
    showSelected(0);
  }

  /**
   * Put the cursor where another widget of the run, or Python, points at, and take over its selection.
   * @param {boolean} isNew whether the picture is: what the cursor stands on is then decoded in any case
   */
  function followView(isNew) {
    const wanted = /** @type {number[] | null} */ (view.get("hover"));
    const text = JSON.stringify(wanted);
    const isFollowed = text !== hovered && wanted?.length === latentDim();
    hovered = text;
    if (isFollowed) {
      const points = scatter.points();
      const i = means ? nearestRow(means, wanted) : -1;
      scatter.setCursor(i >= 0 ? [points[2 * i], points[2 * i + 1]] : toPlane(wanted, projection));
    }
    if (isFollowed || isNew) {
      z = isFollowed ? Float32Array.from(wanted) : underCursor();
      fade = !isFollowed;
      decode();
    }
    const selected = /** @type {number[]} */ (view.get("selected", []));
    if (selected.join() !== scatter.selected().join()) {
      scatter.setSelected(selected);
      showSelected(selected.length);
    }
  }

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
      thumbnails.read(next);
      const layout = past ? null : look.layout(next);
      /** @type {any[]} */
      const from = [data, line, past && time.moment?.index, next.originals, decoder.program, layout?.points];
      from.push(next.get("values"), next.get("tsne"), shell.root.dataset.theme);
      from.push(...view.values("classes", "color", "ellipses", "projection"));
      if (from.length === drawnFrom.length && from.every((value, i) => value === drawnFrom[i])) {
        followView(false);
        return;
      }
      drawnFrom = from;
      const plane = (line ? line.projection : data.projection) ?? null;
      projection = plane && { mean: toFloat32(plane.mean), components: toFloat32(plane.components) };
      means = layout && toFloat32(layout.mu);
      labels = data.labels ? toInt32(data.labels) : null;
      look.update(next, { labels, names: classNames(frame), past: past !== null });
      const classes = look.chosen();
      const shown = look.shown(labels);
      const { labels: colored } = coloredLabels(labels, classes);
      show(note, decoder.reason !== null);
      const who = commands.offline ? "no image: there is no kernel here" : "decoded by the kernel";
      setText(note, decoder.reason ? `${who}; the page cannot decode: ${decoder.reason}` : "");
      scatter.update({
        points: past ?? toFloat32(layout?.points ?? data.points),
        labels: colored,
        classNames: classNames(frame),
        axes: layout ? ["t-SNE 1", "t-SNE 2"] : axisNames(frame),
        prior: layout ? null : (line?.prior ?? data.prior),
        shown,
        classes,
        colors: look.colors(next, data.points.shape[0]),
        spread: data.spread && !past && !layout ? toFloat32(data.spread) : null,
        ellipses: Boolean(view.get("ellipses", false)),
        pickable: thumbnails.count || data.points.shape[0],
      });
      followView(true);
    },
    /** @param {any} content @param {DataView[]} buffers */
    message: (content, buffers) => decoder.reply(content, buffers),
    time,
    /** For what else stands on the plane. */
    plane: {
      stage: scatter.stage,
      anchors: scatter.anchors,
      points: scatter.points,
      items,
      decoder,
      /** z at a place; null where there is no way back from the plane (t-SNE). @param {[number, number]} at */
      zAt: (at) => (means ? null : fromPlane(at, projection, latentDim())),
      /** @param {() => void} listener */
      follow(listener) {
        onDraw = listener;
      },
    },
    handle: {
      /** The moment drawn: index, step, epoch; null: now. */
      get moment() {
        return time.moment;
      },
      /** Target positions of the drawn points, flat (n, 2), data units. */
      points: () => scatter.points(),
      selected: () => scatter.selected(),
      /** Class of each point, as an index; negative: none. */
      labels: () => labels,
      /** Names on the map: class, half the width, and the middle in clientX, clientY. */
      names: () =>
        scatter.names().map(({ label, px, py, half }) => {
          const [x, y] = scatter.toClient(...scatter.stage.toData(px, py));
          return { label, half, client: [x, y] };
        }),
      /** Numbers of the points that the class filter leaves; null: all. */
      shown: () => {
        const mask = look.shown(labels);
        return mask && [...mask.keys()].filter((i) => mask[i]);
      },
      /** r, g, b of each point where values color them, else null. */
      colors: () => state && look.colors(state, scatter.points().length / 2),
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
      decoder.destroy();
      look.destroy();
      cue.destroy();
      card.destroy();
      scatter.destroy();
      decodedView.destroy();
      nearestView.destroy();
    },
  };
}
