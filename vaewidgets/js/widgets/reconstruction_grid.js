/** ReconstructionGrid: originals over their reconstructions. Handle: see parts/base.js; grid() gives the drawn rows. */
import { toInt32, unpack } from "../lib/bytes.js";
import { createGrid } from "../lib/images.js";
import { defineWidget } from "../parts/base.js";

/** @typedef {import("../lib/types.js").Packed} Packed */

export default defineWidget({
  name: "reconstruction-grid",
  label: "Reconstructions",
  build({ shell }) {
    const grid = createGrid(shell.body);
    const bytes = (/** @type {Packed} */ packed) => /** @type {Uint8Array} */ (unpack(packed));
    /** @type {{name: string, images: Uint8Array}[]} */
    let rows = [];
    return {
      update({ frame: { run, grid: data } }) {
        if (!data) return;
        rows = [
          { name: "originals", images: bytes(data.originals) },
          ...data.rows.map(({ name, images }) => ({ name, images: bytes(images) })),
        ];
        const labels = data.labels ? Array.from(toInt32(data.labels)) : [];
        const names = labels.map((label) => (label < 0 ? "" : (run.class_names?.[label] ?? String(label))));
        grid.update({ rows, shape: run.image_shape, names });
      },
      caption: ({ frame }) =>
        `Images over their reconstructions x̂ = decode(μ), epoch ${frame.run.epoch}, step ${frame.grid?.step ?? frame.run.step}.`,
      destroy: () => grid.destroy(),
      handle: {
        /** Drawn rows: name and bytes, images end to end. */
        grid: () => rows,
      },
    };
  },
});
