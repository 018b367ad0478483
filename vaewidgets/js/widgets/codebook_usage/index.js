/**
 * CodebookUsage: a VQ-VAE's codes by use, and what the code that is pointed at decodes to. Handle: see host/widget.js;
 * code() the code that is shown, picture() the bytes that it decodes to, marked() how many positions of the examples
 * hold it.
 */

import { toInt32, unpack } from "../../contract/bytes.js";
import { createBitmap, createImage } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { h, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatCount } from "../../maths/format.js";
import { createCodeCells } from "./cells.js";
import help from "./help.json" with { type: "json" };

/** @typedef {import("../../contract/types.js").Codes} Codes */

export default defineWidget({
  name: "codebook-usage",
  label: "Codebook",
  help,
  build({ shell, view }) {
    const numbers = h("p", "vw-codes-numbers", { "aria-live": "polite" });
    const cellsEl = h("div", "vw-codes-cells");
    const imageEl = h("div", "vw-codes-image");
    const examplesEl = h("div", "vw-codes-examples");
    const title = h("p", "vw-title");
    const detail = h("div", "vw-codes-detail", {}, [
      imageEl,
      h("div", "vw-codes-held", {}, [title, examplesEl]),
    ]);
    const [least, greatest] = [h("span"), h("span")];
    const scale = h("p", "vw-note vw-codes-scale", {}, [least, h("i", "vw-codes-ramp"), greatest]);
    const left = h("div", "", {}, [cellsEl, scale]);
    shell.body.append(numbers, h("div", "vw-codes", {}, [left, detail]));
    const cells = createCodeCells(cellsEl, { theme: shell.theme, onPoint: (code) => view.set("code", code) });
    const image = createImage(imageEl, { name: "codeword", theme: shell.theme });
    /** @type {{wrap: HTMLElement, bitmap: ReturnType<typeof createBitmap>, marks: HTMLElement}[]} */
    let examples = [];
    /** @type {Uint8Array | null} */
    let picture = null;
    /** @type {number | null} */
    let code = null;
    let marked = 0;
    const unfollow = shell.theme.onChange(() => {
      for (const { bitmap } of examples) bitmap.redraw();
    });

    /** @param {Codes} codes @param {import("../../draw/items.js").Items} items */
    function drawExamples(codes, items) {
      const count = codes.examples.shape[0];
      if (examples.length !== count) {
        examples = Array.from({ length: count }, () => {
          const bitmap = createBitmap("vw-example", shell.theme);
          const marks = h("div", "vw-marks", { "aria-hidden": "true" });
          return { wrap: h("div", "vw-example-wrap", {}, [bitmap.canvas, marks]), bitmap, marks };
        });
        examplesEl.replaceChildren(...examples.map(({ wrap }) => wrap));
      }
      const [down, across] = codes.grid;
      const bytes = /** @type {Uint8Array} */ (unpack(codes.examples));
      const held = toInt32(codes.example_codes);
      const { length } = items;
      marked = 0;
      examples.forEach(({ bitmap, marks }, i) => {
        bitmap.draw(bytes.subarray(i * length, (i + 1) * length), items);
        const own = held.subarray(i * down * across, (i + 1) * down * across);
        /** @type {HTMLElement[]} */
        const found = [];
        own.forEach((value, place) => {
          if (value !== code) return;
          const mark = h("span", "vw-code-mark");
          mark.style.left = `${((place % across) / across) * 100}%`;
          mark.style.top = `${(Math.floor(place / across) / down) * 100}%`;
          mark.style.width = `${100 / across}%`;
          mark.style.height = `${100 / down}%`;
          found.push(mark);
        });
        marked += found.length;
        bitmap.canvas.setAttribute(
          "aria-label",
          `image ${i + 1}: uses the code at ${found.length} of ${own.length} locations`,
        );
        marks.replaceChildren(...found);
      });
    }

    return {
      update({ frame: { codes, run } }) {
        if (!codes) return;
        const counts = toInt32(codes.counts);
        const most = counts.indexOf(counts.reduce((a, b) => Math.max(a, b), 0));
        const given = view.get("code");
        const pointed = Number.isInteger(given) && given >= 0 && given < counts.length;
        code = pointed ? given : most;
        const dead = codes.n_codes - codes.n_used;
        setText(
          numbers,
          `perplexity ${codes.perplexity.toFixed(1)} of ${codes.n_codes} codes; ${codes.n_used} used, ${dead} dead`,
        );
        cells.update({ counts, code });
        const at = toInt32(codes.shown).indexOf(code ?? -1);
        const items = itemsOf(run);
        const { length } = items;
        const pictures = /** @type {Uint8Array} */ (unpack(codes.pictures));
        picture = at < 0 ? null : pictures.subarray(at * length, (at + 1) * length);
        const total = counts.reduce((sum, count) => sum + count, 0);
        const shareOf = (/** @type {number} */ count) => `${((count / total) * 100).toFixed(1)} %`;
        const share = shareOf(counts[code ?? 0]);
        setText(least, `${shareOf(Math.min(...counts))} of all locations`);
        setText(greatest, shareOf(counts[most]));
        image.update({
          // The most used code is often that of an empty background.
          image: pointed ? picture : null,
          items,
          title: pointed ? `decoded from code ${code} only` : "decoded from one code only",
          detail: !pointed ? "hover a code" : picture ? "" : "not saved: rarely used",
        });
        setText(
          title,
          `code ${code}${pointed ? "" : ", the most used"}: ${share} of all locations, outlined in these images`,
        );
        drawExamples(codes, items);
      },
      caption: ({ frame: { codes } }) =>
        `Each cell is a code, by its use in ${formatCount(codes?.n_images ?? 0)} training images; × = never used. Hover a code to decode it.`,
      handle: {
        /** The code that is shown. */
        code: () => code,
        /** What it decodes to: bytes (C, H, W), or null. */
        picture: () => picture,
        /** At how many places of the examples it stands. */
        marked: () => marked,
      },
      destroy() {
        unfollow();
        cells.destroy();
        image.destroy();
      },
    };
  },
});
