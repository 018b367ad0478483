/**
 * PriorSamples: decoded draws from the prior, the same draws for every run.
 *
 * Handle: see host/widget.js; and
 *   draws(run = 0)     the z of each draw of a run, as arrays
 *   image(i, run = 0)  bytes of a decoded draw, or null
 *   left               how many images are still to be decoded, over all runs
 *   toClient(i, run = 0)
 * Controls: .vw-new-draw, .vw-temperature, .vw-class.
 */

import { normals } from "../../contract/random.js";
import { itemsOf } from "../../draw/items.js";
import { createSheet } from "../../draw/sheet.js";
import { createPress, createRange } from "../../host/controls.js";
import { h, setText, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatSetting } from "../../maths/format.js";
import { readLatent } from "../../maths/plane.js";
import { createClassChoice } from "../../panels/class_choice.js";
import { createDecoding } from "../../panels/decoding.js";
import { createTimeLine, decoderAt } from "../../panels/time.js";
import help from "./help.json" with { type: "json" };

/**
 * @typedef {import("../../contract/types.js").Part} Part
 * @typedef {import("../../host/widget.js").State} State
 */

/**
 * The latent vector of a draw: T · eps under a prior, else from a Gaussian fitted to the codes.
 * @param {import("../../maths/plane.js").Latent} latent
 * @param {number} seed @param {number} stream which draw @param {number} temperature
 */
export function drawOf(latent, seed, stream, temperature) {
  const eps = normals(latent.d, seed, stream);
  return latent.prior
    ? eps.map((e) => temperature * e)
    : eps.map((e, j) => latent.mean[j] + temperature * latent.std[j] * e);
}

/**
 * The draws of one run.
 * @param {HTMLElement} el
 * @param {import("../../host/widget.js").Context} context
 * @param {{onMark: (index: number | null, z: Float32Array | null) => void}} opts
 */
function createRow(el, { shell, commands }, { onMark }) {
  const title = h("div", "vw-title vw-samples-title");
  const note = h("p", "vw-note vw-reason", { hidden: true });
  const box = h("div", "vw-samples", {}, [title]);
  el.append(box);
  const sheet = createSheet(box, {
    theme: shell.theme,
    name: "samples",
    onMark: (index) => onMark(index, index === null ? null : (z[index] ?? null)),
  });
  box.append(note);
  /** @type {Float32Array[]} */
  let z = [];
  let drawn = "";
  let runId = "";
  let source = /** @type {any} */ (null);
  let latent = /** @type {import("../../maths/plane.js").Latent | null} */ (null);
  const { many, refresh } = createDecoding(note, {
    ask: (points) => commands.decode(points, runId),
    onImage: (key, bytes, _, fade) => sheet.set(Number(key), bytes, fade),
    start: () => many.start(z.map((point, i) => ({ key: String(i), z: point }))),
  });

  return {
    many,
    sheet,
    get z() {
      return z;
    },
    /**
     * @param {Part} part
     * @param {{decoder: any, count: number, seed: number, temperature: number, label: (classes: number) => number|null,
     *   marked: number | null, named: boolean}} opts
     */
    update({ run, setting, latent: data }, { decoder, count, seed, temperature, label, marked, named }) {
      if (!data) return;
      runId = run.id;
      if (data !== source) {
        source = data;
        latent = readLatent(data);
      }
      if (!latent) return;
      const known = many.setDecoder(decoder);
      const told = many.setLabel(label(many.classes));
      // Without a prior the draws follow the codes, which move with each frame.
      const key = JSON.stringify([count, seed, temperature, latent.d, latent.prior ? 0 : data.step]);
      if (key !== drawn) {
        z = Array.from({ length: count }, (_, i) =>
          drawOf(/** @type {import("../../maths/plane.js").Latent} */ (latent), seed, i, temperature),
        );
      }
      const name = setting?.label ?? run.name;
      const what = latent.prior
        ? ""
        : "no prior: this model has no posterior, so the samples are from a Gaussian fitted to its codes";
      setText(title, [named ? name : "", what].filter(Boolean).join(" · "));
      show(title, title.textContent !== "");
      sheet.update({
        count,
        items: itemsOf(run),
        label: `${count} decoded samples${named ? ` of ${name}` : ""}. Arrow keys go from one to the next.`,
        marked,
      });
      refresh(key !== drawn || told, known);
      drawn = key;
    },
    destroy() {
      many.destroy();
      sheet.destroy();
      box.remove();
    },
  };
}

export default defineWidget({
  name: "prior-samples",
  label: "Samples from the prior",
  help,
  build(context) {
    const { shell, view } = context;
    const knobs = h("div", "vw-knobs vw-samples-knobs");
    const list = h("div", "vw-samples-list");
    shell.body.append(knobs, list);
    const seed = () => view.get("seed", 0);
    const button = createPress(knobs, {
      name: "new-draw",
      text: "new samples",
      title: "sample z again; every run uses the same z",
      onPress: () => view.set("seed", (seed() + 1) % 2 ** 31),
    });
    const temperature = createRange(knobs, {
      name: "temperature",
      label: "temperature",
      min: 0,
      max: 2,
      step: 0.05,
      describe: (value) => `${value.toFixed(2)} σ`,
      onChange: (value) => view.set("temperature", value),
    });
    const classChoice = createClassChoice(knobs, view);
    const time = createTimeLine(shell.body, context);
    /** @type {Map<string, ReturnType<typeof createRow>>} */
    const rows = new Map();
    let marked = /** @type {number | null} */ (null);
    let state = /** @type {State | null} */ (null);

    /** @param {string} id @returns {ReturnType<typeof createRow>} */
    function rowOf(id) {
      let row = rows.get(id);
      if (!row) {
        row = createRow(list, context, {
          onMark(index, z) {
            marked = index;
            if (z && id === state?.frame.run.id) view.set("hover", Array.from(z));
            if (state) draw(state);
          },
        });
        rows.set(id, row);
      }
      return row;
    }

    /** @param {State} next */
    function draw(next) {
      const { frame, options } = next;
      const parts = [frame, ...(frame.others ?? [])];
      let classes = 0;
      for (const part of parts) {
        const id = part.run.id;
        const row = rowOf(id);
        const time = view.get("time", null);
        const first = id === frame.run.id;
        row.update(part, {
          decoder: decoderAt(next, time, first ? "" : id),
          count: options.draws ?? 20,
          seed: seed(),
          temperature: view.get("temperature", 1),
          label(n) {
            classes = Math.max(classes, n);
            const chosen = view.get("label", null);
            return Number.isInteger(chosen) && chosen < n ? chosen : null;
          },
          marked,
          named: parts.length > 1,
        });
      }
      classChoice.update(classes, frame.run);
      for (const [id, row] of rows) {
        if (parts.some((part) => part.run.id === id)) continue;
        row.destroy();
        rows.delete(id);
      }
    }

    return {
      update(next) {
        state = next;
        time.update(next);
        draw(next);
        temperature.update({ value: view.get("temperature", 1) });
      },
      message(content, buffers) {
        for (const row of rows.values()) row.many.reply(content, buffers);
      },
      caption({ frame }) {
        const t = view.get("temperature", 1);
        const scale = t === 1 ? "z = ε" : `z = ${formatSetting(t)} · ε`;
        const same = frame.others?.length ? ", the same ε for every run" : "";
        return `Decoded samples from the prior: ${scale}, ε ~ N(0, I)${same}.`;
      },
      handle: {
        draws: (run = 0) => [...rows.values()][run]?.z.map((point) => Array.from(point)) ?? null,
        image: (/** @type {number} */ i, run = 0) => [...rows.values()][run]?.sheet.image(i) ?? null,
        toClient: (/** @type {number} */ i, run = 0) => [...rows.values()][run]?.sheet.toClient(i) ?? null,
        get left() {
          let left = 0;
          for (const row of rows.values()) left += row.many.left;
          return left;
        },
      },
      destroy() {
        for (const row of rows.values()) row.destroy();
        for (const part of [button, temperature, classChoice, time]) part.destroy();
      },
    };
  },
});
