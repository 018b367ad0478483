/**
 * ReconstructionGrid: originals over their reconstructions, one row a run. Handle: see host/widget.js; grid() gives the
 * drawn rows, left how many images are still to be decoded, images their numbers, moment the one that is drawn.
 *
 * Controls: .vw-shuffle, .vw-from-selection, .vw-redraw (another ε), .vw-means; an original is a button that puts
 * another image in its place.
 */
import { size as sizeOf, toFloat32, toInt32, unpack } from "../../contract/bytes.js";
import { normals, uniforms } from "../../contract/random.js";
import { createGrid } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { createMany } from "../../graphs/decode_queue.js";
import { createPress } from "../../host/controls.js";
import { h } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { showReason } from "../../panels/decoding.js";
import { createThumbnails } from "../../panels/thumbnails.js";
import { createTimeLine, decoderAt, momentText } from "../../panels/time.js";
import help from "./help.json" with { type: "json" };

/**
 * @typedef {import("../../contract/types.js").Packed} Packed
 * @typedef {import("../../contract/types.js").Part} Part
 * @typedef {import("../../host/widget.js").State} State
 * @typedef {{step: number, mu: Packed, logvar: Packed|null}} Posteriors
 */

const MOST_SELECTED = 40;

/**
 * The latent vector that stands for an image: its posterior's mean, or with a seed a draw, the same ε for every run.
 * @param {Posteriors} posteriors
 * @param {number} index
 * @param {number | null} seed
 */
export function codeOf({ mu, logvar }, index, seed) {
  const d = mu.shape[1];
  const row = (/** @type {Packed} */ packed) => toFloat32(packed).subarray(d * index, d * (index + 1));
  const z = row(mu).slice();
  if (seed === null || !logvar) return z;
  const spread = row(logvar);
  const eps = normals(d, seed, index);
  return z.map((value, j) => value + Math.exp(spread[j] / 2) * eps[j]);
}

/** The reconstructions of one run. @param {import("../../host/widget.js").Context} context @param {() => void} onNews */
function createRow({ commands }, onNews) {
  let runId = "";
  let images = /** @type {Uint8Array} */ (new Uint8Array(0));
  let size = 1;
  let asked = "";
  const many = createMany({
    ask: (points) => commands.decode(points, runId),
    onImage(key, bytes) {
      images.set(bytes, Number(key) * size);
    },
    onRound: onNews,
  });
  return {
    many,
    get images() {
      return images;
    },
    /**
     * @param {Part} part
     * @param {{decoder: any, posteriors: Posteriors|null, indices: number[], seed: number|null, past: boolean}} opts
     */
    update({ run, grid }, { decoder, posteriors, indices, seed, past }) {
      runId = run.id;
      size = sizeOf(run.image_shape);
      const same =
        grid && !past && (grid.seed ?? null) === seed && toInt32(grid.indices).join() === indices.join();
      if (grid && same) {
        many.start([]);
        asked = "";
        images = /** @type {Uint8Array} */ (unpack(grid.rows[0].images)).slice();
        return;
      }
      const fresh = many.setDecoder(decoder);
      if (!posteriors) return;
      const key = JSON.stringify([indices, seed, posteriors.step]);
      if (key === asked && !fresh) return;
      asked = key;
      if (images.length !== indices.length * size) images = new Uint8Array(indices.length * size);
      const known = indices.filter((index) => index < posteriors.mu.shape[0]);
      many.start(known.map((index, i) => ({ key: String(i), z: codeOf(posteriors, index, seed) })));
    },
    destroy: () => many.destroy(),
  };
}

export default defineWidget({
  name: "reconstruction-grid",
  label: "Reconstructions",
  help,
  build(context) {
    const { shell, view } = context;
    const knobs = h("div", "vw-look vw-grid-knobs");
    shell.body.append(knobs);
    /** @type {State | null} */
    let state = null;
    const thumbnails = createThumbnails();
    /** @type {Map<string, ReturnType<typeof createRow>>} */
    const runs = new Map();
    /** @type {{name: string, images: Uint8Array}[]} */
    let rows = [];
    let draws = 0;

    const parts = () => (state ? [state.frame, ...(state.frame.others ?? [])] : []);
    const length = () => sizeOf(state?.frame.run.image_shape ?? []);
    /** @returns {number[]} */
    const given = () => (state?.frame.grid ? Array.from(toInt32(state.frame.grid.indices)) : []);
    /** @returns {number[]} */
    const indices = () => view.get("images") ?? given();
    const seed = () => /** @type {number | null} */ (view.get("seed"));
    const random = () => uniforms(Date.now() + draws++)();

    createPress(knobs, {
      name: "shuffle",
      text: "other images",
      title: "pick other images at random",
      onPress: () =>
        view.set(
          "images",
          indices().map(() => Math.floor(random() * thumbnails.count)),
        ),
    });
    const chosen = createPress(knobs, {
      name: "from-selection",
      text: "the selected images",
      title: "images selected by lasso in a scatter of this run",
      onPress: () => view.set("images", view.get("selected", []).slice(0, MOST_SELECTED)),
    });
    const redraw = createPress(knobs, {
      name: "redraw",
      text: "sample z",
      title: "reconstruct from a sample of the posterior, z = μ + σ·ε; every run uses the same ε",
      onPress: () => view.set("seed", seed() === null ? 0 : (Number(seed()) + 1) % 2 ** 31),
    });
    const means = createPress(knobs, {
      name: "means",
      text: "the means",
      title: "reconstruct from z = μ",
      onPress: () => view.set("seed", null),
    });
    const grid = createGrid(shell.body, {
      theme: shell.theme,
      onPress(place) {
        const next = [...indices()];
        next[place] = other(next[place]);
        view.set("images", next);
      },
    });
    const note = h("p", "vw-note", { hidden: true });
    shell.body.append(note);
    const time = createTimeLine(shell.body, { view });

    /** @returns {Int32Array | null} of the whole sample */
    function labels() {
      const packed = /** @type {Packed | null} */ (state?.get("sample_labels"));
      return packed && toInt32(packed);
    }

    /** Another image, of the same class where there are classes. @param {number} index */
    function other(index) {
      const all = labels();
      const alike = Array.from({ length: thumbnails.count }, (_, i) => i).filter(
        (i) => i !== index && (!all || all[i] === all[index]),
      );
      return alike[Math.floor(random() * alike.length)] ?? index;
    }

    /** @param {number[]} wanted */
    function originalsOf(wanted) {
      const out = new Uint8Array(wanted.length * length());
      const frame = state?.frame.grid;
      const drawn = given();
      wanted.forEach((index, i) => {
        const at = drawn.indexOf(index);
        const sent = at >= 0 && frame ? /** @type {Uint8Array} */ (unpack(frame.originals)) : null;
        const image = sent?.subarray(at * length(), (at + 1) * length()) ?? thumbnails.image(index);
        if (image) out.set(image, i * length());
      });
      return out;
    }

    function draw() {
      if (!state?.frame.grid) return;
      const wanted = indices();
      rows = [
        { name: "originals", images: originalsOf(wanted) },
        ...parts().map((part) => ({
          name: part.setting?.label ?? part.grid?.rows[0].name ?? part.run.name,
          images: runs.get(part.run.id)?.images ?? new Uint8Array(wanted.length * length()),
        })),
      ];
      const all = labels();
      const names = wanted.map((index) => {
        const label = all?.[index] ?? -1;
        return label < 0 ? "" : (state?.frame.run.class_names?.[label] ?? String(label));
      });
      grid.update({ rows, items: itemsOf(state.frame.run), names });
    }

    return {
      /** @param {State} next */
      update(next) {
        state = next;
        if (!next.frame.grid) return;
        thumbnails.read(next);
        time.update(next);
        const past = time.moment !== null;
        const shown = parts();
        shown.forEach((part, i) => {
          const id = i === 0 ? "" : part.run.id;
          const row = runs.get(part.run.id) ?? createRow(context, draw);
          runs.set(part.run.id, row);
          const decoder = decoderAt(next, past ? view.get("time") : null, id);
          const then = /** @type {any} */ (past && decoder && "mu" in decoder ? decoder : null);
          const posteriors = then ?? next.get(id ? `posteriors:${id}` : "posteriors");
          row.update(part, { decoder, posteriors, indices: indices(), seed: seed(), past });
        });
        for (const [id, row] of runs) {
          if (shown.some(({ run }) => run.id === id)) continue;
          row.destroy();
          runs.delete(id);
        }
        const samples = Boolean(next.get("posteriors")?.logvar);
        redraw.update({ text: seed() === null ? "sample z" : "sample z again", hidden: !samples });
        means.update({ hidden: !samples || seed() === null });
        chosen.update({ hidden: thumbnails.count === 0 || view.get("selected", []).length === 0 });
        showReason(note, runs.get(next.frame.run.id)?.many.reason ?? null);
        draw();
      },
      caption({ frame }) {
        const how = seed() === null ? "μ" : "μ + σ·ε";
        const { epoch } = frame.run;
        const when = time.moment ?? { epoch, step: frame.grid?.step ?? frame.run.step };
        return `Originals (top) and reconstructions x̂ = decode(${how}), ${momentText(when)}.`;
      },
      message(content, buffers) {
        for (const row of runs.values()) row.many.reply(content, buffers);
      },
      destroy() {
        for (const row of runs.values()) row.destroy();
        time.destroy();
        grid.destroy();
      },
      handle: {
        /** Drawn rows: name and bytes, images end to end. */
        grid: () => rows,
        images: () => indices(),
        get left() {
          return [...runs.values()].reduce((sum, row) => sum + row.many.left, 0);
        },
        get moment() {
          return time.moment;
        },
      },
    };
  },
});
