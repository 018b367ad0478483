/**
 * SketchEncoder: one's own drawing, encoded and decoded in the page, and where it lands among the codes.
 *
 * Handle: see host/widget.js; and
 *   pixels()           what went into the encoder, (C, H, W) in the data's value range, or null
 *   mu, logvar         what came out, or null
 *   z                  the point that is decoded: mu, or where its handle was dragged
 *   decoded()          its bytes, or null
 *   ms                 milliseconds that the encoder took
 *   toClient(u, v)     from the map's plane to clientX, clientY; at: where z stands on it
 * Controls: .vw-pad-canvas, .vw-pen, .vw-eraser, .vw-undo, .vw-clear, .vw-framed, the handle on the map, .vw-back.
 */

import { createImage, toBytes } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { sketchPixels } from "../../draw/raster.js";
import { createSketchPad } from "../../draw/sketch_pad.js";
import { createMany } from "../../graphs/decode_queue.js";
import { openNetwork } from "../../graphs/network.js";
import { createChoice, createPress, createRange } from "../../host/controls.js";
import { h, setText, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatFixed, formatVector, shortened } from "../../maths/format.js";
import { viewPlane } from "../../maths/plane.js";
import { createCodes } from "../../panels/codes.js";
import { showReason } from "../../panels/decoding.js";
import { createLatentMap } from "../../panels/latent_map.js";
import help from "./help.json" with { type: "json" };

const NEIGHBOURS = 10;
const MOST_STROKES = 200;

/** Numbers of the nearest codes. @param {ArrayLike<number>} z @param {Float32Array} points flat (n, d) @param {number} k */
function nearestCodes(z, points, k) {
  const d = z.length;
  const far = Array.from({ length: points.length / d }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += (points[i * d + j] - z[j]) ** 2;
    return { i, sum };
  });
  return far
    .filter(({ sum }) => Number.isFinite(sum))
    .sort((a, b) => a.sum - b.sum)
    .slice(0, k)
    .map(({ i }) => i);
}

export default defineWidget({
  name: "sketch-encoder",
  label: "Sketch encoder",
  help,
  build(context) {
    const { shell, commands, view } = context;
    const padEl = h("div", "vw-sketch-pad");
    const tools = h("div", "vw-knobs vw-sketch-tools");
    const pictures = h("div", "vw-images vw-sketch-images");
    const said = h("p", "vw-note vw-sketch-said");
    const reason = h("p", "vw-note vw-reason", { hidden: true });
    const mapEl = h("div", "vw-sketch-map");
    shell.body.append(
      h("div", "vw-sketch-split", {}, [
        h("div", "", {}, [padEl, tools]),
        h("div", "vw-sketch-middle", {}, [pictures, said, reason]),
        mapEl,
      ]),
    );
    const inView = createImage(pictures, { name: "sketch-input", theme: shell.theme });
    const outView = createImage(pictures, { name: "sketch-output", theme: shell.theme });
    /** @type {import("../../host/widget.js").State | null} */
    let state = null;
    const codes = createCodes(viewPlane);
    let encoderSource = /** @type {any} */ (undefined);
    let encoder = /** @type {import("../../graphs/network.js").OpenNetwork | null} */ (null);
    let why = /** @type {string | null} */ (null);
    let pixels = /** @type {Float32Array | null} */ (null);
    let mu = /** @type {Float32Array | null} */ (null);
    let logvar = /** @type {Float32Array | null} */ (null);
    let z = /** @type {Float32Array | null} */ (null);
    let ms = /** @type {number | null} */ (null);
    let output = /** @type {Uint8Array | null} */ (null);
    let drawnKey = "";
    let decodedKey = "";
    /** @type {import("../../draw/raster.js").Stroke | null} */
    let growing = null;
    let erase = false;

    const many = createMany({
      ask: (points) => commands.decode(points),
      onImage(_key, bytes) {
        output = bytes;
        showOutput();
      },
    });
    const strokes = () =>
      /** @type {import("../../draw/raster.js").Stroke[]} */ (view.get("strokes", []) ?? []);
    const framed = () => view.get("framed", true);

    /** @param {import("../../draw/raster.js").Stroke[]} next */
    function setStrokes(next) {
      growing = null;
      view.set("z", null);
      view.set("strokes", next.slice(-MOST_STROKES));
      if (state) {
        look(state);
        view.set("image", pixels ? Array.from(toBytes(pixels, range())) : null);
      }
    }
    const pad = createSketchPad(padEl, {
      theme: shell.theme,
      onStroke(stroke, done) {
        if (done) return setStrokes([...strokes(), { ...stroke, points: [...stroke.points] }]);
        growing = stroke;
        return state && look(state);
      },
      onUndo: () => setStrokes(strokes().slice(0, -1)),
      onClear: () => setStrokes([]),
      say: (text) => shell.announce(`${text} ${performance.now()}`, text),
    });
    const penKnob = createRange(tools, {
      name: "pen",
      label: "pen",
      min: 0.03,
      max: 0.2,
      step: 0.01,
      describe: (value) => `${(100 * value).toFixed(0)} % wide`,
      onChange: (value) => view.set("pen", value),
    });
    const eraser = createPress(tools, {
      name: "eraser",
      text: "eraser",
      onPress() {
        erase = !erase;
        eraser.button.setAttribute("aria-pressed", String(erase));
        if (state) look(state);
      },
    });
    eraser.button.setAttribute("aria-pressed", "false");
    const undo = createPress(tools, {
      name: "undo",
      text: "undo",
      onPress: () => setStrokes(strokes().slice(0, -1)),
    });
    const clear = createPress(tools, { name: "clear", text: "clear", onPress: () => setStrokes([]) });
    const framedSelect = createChoice(tools, {
      name: "framed",
      label: "framing",
      onChange(value) {
        view.set("framed", value === "data");
        setStrokes(strokes());
      },
    });
    const back = createPress(tools, {
      name: "back",
      text: "reset to μ",
      title: "decode where the encoder put the drawing",
      onPress: () => view.set("z", null),
    });
    const map = createLatentMap(mapEl, {
      theme: shell.theme,
      label: "Codes of the data and the point that is decoded",
      onDrag(_handle, at) {
        if (!codes.plane || !z) return;
        const next = codes.plane.moved(z, ...at);
        view.set("z", Array.from(next));
        view.set("hover", Array.from(next));
      },
    });

    const range = () => state?.frame.run.value_range ?? [0, 1];

    function showOutput() {
      if (!state) return;
      outView.update({
        image: output,
        items: itemsOf(state.frame.run),
        title: "decoded, x̂",
        detail: "waiting for the decoder",
      });
    }

    /** @param {any} given */
    function openEncoder(given) {
      if (given === encoderSource) return false;
      encoderSource = given;
      encoder?.close();
      encoder = null;
      why = given?.reason ?? null;
      if (!given?.network) return true;
      try {
        encoder = openNetwork(given.network);
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
      }
      return true;
    }

    /** Raster, encode and decode what is drawn. @param {import("../../host/widget.js").State} next */
    function look(next) {
      const { framing } = next.frame;
      const { latent, plane } = codes;
      if (!latent || !plane || !framing) return;
      const { run } = next.frame;
      const lines = growing ? [...strokes(), growing] : strokes();
      const fresh = openEncoder(next.get("encoder"));
      const key = JSON.stringify([lines, framed(), framing]);
      if (key !== drawnKey || fresh) {
        drawnKey = key;
        pixels = lines.length
          ? sketchPixels(lines, run.image_shape, { framing, framed: framed(), range: range() })
          : null;
        mu = logvar = null;
        if (pixels && encoder) {
          const start = performance.now();
          const [first, second] = encoder.run(pixels);
          ms = performance.now() - start;
          mu = first;
          logvar = second ?? null;
        }
      }
      const own = view.get("z", null);
      const rest = latent.prior ? new Float32Array(latent.d) : latent.mean;
      z = Array.isArray(own) && own.length === latent.d ? Float32Array.from(own) : (mu ?? rest);
      const known = many.setDecoder(next.decoder);
      const decodeKey = Array.from(z).join();
      if (known || decodeKey !== decodedKey) {
        decodedKey = decodeKey;
        const now = many.now(z);
        if (now) {
          output = now;
        } else many.start([{ key: "z", z }]);
      }
      draw(next, own !== null);
    }

    /** @param {import("../../host/widget.js").State} next @param {boolean} moved */
    function draw(next, moved) {
      const { latent, plane, seen } = codes;
      if (!latent || !plane || !z) return;
      const { run } = next.frame;
      const background = next.frame.framing?.background ?? 0;
      pad.update({ strokes: strokes(), width: view.get("pen", 0.09), erase, background });
      inView.update({
        image: pixels && toBytes(pixels, range()),
        items: itemsOf(run),
        title: "encoder's input",
        detail: "nothing drawn yet",
      });
      showOutput();
      const nameOf = (/** @type {number} */ c) => run.class_names?.[c] ?? String(c);
      setText(said, sentence(z, moved, nameOf));
      if (why === null) showReason(reason, many.reason);
      else {
        show(reason, true);
        setText(reason, `The page cannot run this encoder, so drawings cannot be encoded: ${why}`);
      }
      const at = plane.toPlane(z);
      map.update({
        points: seen,
        labels: latent.labels,
        classNames: run.class_names,
        axes: plane.axes,
        prior: latent.prior ? { center: plane.toPlane(new Float32Array(latent.d)), radii: [1, 2] } : null,
        path: mu && moved ? [plane.toPlane(mu), at] : [],
        handles: [
          {
            at,
            text: "z",
            label: "the point that is decoded, arrow keys move it",
            value: formatVector(z, 3),
          },
        ],
      });
      penKnob.update({ value: view.get("pen", 0.09) });
      framedSelect.update({
        value: framed() ? "data" : "drawn",
        choices: [
          { value: "data", text: "as the data" },
          { value: "drawn", text: "as drawn" },
        ],
      });
      undo.button.disabled = clear.button.disabled = strokes().length === 0;
      back.button.disabled = !moved;
    }

    /** @param {Float32Array} at @param {boolean} moved @param {(c: number) => string} nameOf */
    function sentence(at, moved, nameOf) {
      const { latent } = codes;
      if (!latent) return "";
      const parts = [];
      const sigma = logvar?.map((l) => Math.exp(l / 2));
      if (mu && !moved && sigma && latent.d <= 3) {
        parts.push(`z = μ = ${formatVector(at)}, σ = ${formatVector(sigma)}`);
      } else parts.push(`z = ${formatVector(at)}${mu && !moved ? " = μ" : ""}`);
      if (latent.labels && (mu || moved) && latent.points) {
        /** @type {Map<number, number>} */
        const votes = new Map();
        for (const i of nearestCodes(at, latent.points, NEIGHBOURS)) {
          const label = latent.labels[i];
          votes.set(label, (votes.get(label) ?? 0) + 1);
        }
        const list = [...votes].sort((a, b) => b[1] - a[1]).slice(0, 3);
        parts.push(
          `nearest ${NEIGHBOURS} codes: ${list.map(([c, n]) => `${n} of class ${shortened(nameOf(c))}`).join(", ")}`,
        );
      }
      if (latent.prior && (mu || moved))
        parts.push(
          `‖z‖ = ${formatFixed(Math.hypot(...at), 2)} (typical under the prior: ${formatFixed(Math.sqrt(latent.d), 2)})`,
        );
      return parts.join("\n");
    }

    return {
      update(next) {
        state = next;
        codes.read(next);
        look(next);
      },
      message: (content, buffers) => many.reply(content, buffers),
      caption: () =>
        "Draw an image: the encoder puts it among the codes of the data; drag z to decode other points.",
      handle: {
        pixels: () => pixels && Array.from(pixels),
        get mu() {
          return mu && Array.from(mu);
        },
        get logvar() {
          return logvar && Array.from(logvar);
        },
        get z() {
          return z && Array.from(z);
        },
        get at() {
          return z && codes.plane ? codes.plane.toPlane(z) : null;
        },
        decoded: () => output,
        get ms() {
          return ms;
        },
        /** @type {(u: number, v: number) => number[]} */
        toClient: (u, v) => map.toClient(u, v),
      },
      destroy() {
        many.destroy();
        encoder?.close();
        for (const part of [pad, map, inView, outView, penKnob, eraser, undo, clear, framedSelect, back])
          part.destroy();
      },
    };
  },
});
