/**
 * Small images on canvases: bytes in (C, H, W) order, one or three channels, shown with hard pixels.
 *
 * @typedef {[number, number, number]} ImageShape  channels, height, width
 */
import { h, setAttributes, setText, show } from "../host/dom.js";

/**
 * @param {ArrayLike<number>} image values in [lo, hi]
 * @param {[number, number]} range
 * @returns {Uint8Array} 0…255, clipped
 */
export function toBytes(image, [lo, hi]) {
  const out = new Uint8Array(image.length);
  const unit = 255 / (hi - lo);
  for (let i = 0; i < image.length; i++) {
    out[i] = Math.min(Math.max(Math.round((image[i] - lo) * unit), 0), 255);
  }
  return out;
}

/**
 * @param {ArrayLike<number>} bytes
 * @param {[number, number]} range
 * @returns {Float32Array} values in [lo, hi]
 */
export function fromBytes(bytes, [lo, hi]) {
  return Float32Array.from(bytes, (value) => lo + (value / 255) * (hi - lo));
}

/**
 * Channels first to the RGBA that a canvas wants.
 * @param {ArrayLike<number>} image
 * @param {ImageShape} shape
 * @param {Uint8ClampedArray} rgba
 */
export function toRgba(image, [channels, height, width], rgba) {
  const plane = height * width;
  const second = channels >= 3 ? plane : 0;
  for (let i = 0; i < plane; i++) {
    rgba[4 * i] = image[i];
    rgba[4 * i + 1] = image[i + second];
    rgba[4 * i + 2] = image[i + 2 * second];
    rgba[4 * i + 3] = 255;
  }
}

/**
 * A canvas of one image.
 * @param {string} className
 */
export function createBitmap(className) {
  const canvas = h("canvas", `vw-bitmap ${className}`, { role: "img", width: 1, height: 1 });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  /** @type {ImageData | null} */
  let pixels = null;
  return {
    canvas,
    /** @param {ArrayLike<number>} image bytes @param {ImageShape} shape */
    draw(image, shape) {
      const [, height, width] = shape;
      if (!pixels || pixels.width !== width || pixels.height !== height) {
        canvas.width = width;
        canvas.height = height;
        canvas.style.aspectRatio = `${width} / ${height}`;
        pixels = context.createImageData(width, height);
      }
      toRgba(image, shape, pixels.data);
      context.putImageData(pixels, 0, 0);
    },
  };
}

/**
 * One large image under a title line.
 * @param {HTMLElement} el
 * @param {{name: string}} opts
 */
export function createImage(el, { name }) {
  const title = h("figcaption", "vw-title");
  const bitmap = createBitmap(`vw-${name}`);
  const empty = h("div", "vw-image-empty");
  const figure = h("figure", "vw-figure", {}, [
    title,
    h("div", "vw-image-frame", {}, [bitmap.canvas, empty]),
  ]);
  el.append(figure);
  return {
    /** @param {{image: ArrayLike<number>|null, shape: ImageShape, title: string, detail?: string}} state */
    update({ image, shape, title: text, detail = "" }) {
      setText(title, text);
      show(bitmap.canvas, image !== null);
      show(empty, image === null);
      setText(empty, image === null ? detail : "");
      const label = detail && image ? `${text}. ${detail}` : text;
      setAttributes(bitmap.canvas, { "aria-label": label });
      if (image) bitmap.draw(image, shape);
    },
    destroy() {
      figure.remove();
    },
  };
}

/**
 * Rows of images over one another, wrapped into as many blocks as the width asks for.
 * @param {HTMLElement} el
 * @param {{minSize?: number, onPress?: (index: number) => void}} [opts] minSize: least width of an image in CSS
 *   pixels; onPress: an image of the first row was pressed
 */
export function createGrid(el, { minSize = 44, onPress } = {}) {
  const grid = h("div", "vw-grid");
  el.append(grid);
  /** @typedef {{name: string, images: Uint8Array, faint?: boolean}} Row */
  /** @type {{rows: Row[], shape: ImageShape, names: string[]} | null} */
  let state = null;
  /** @type {ReturnType<typeof createBitmap>[][]} */
  let bitmaps = [];
  let layout = "";
  const observer = new ResizeObserver(() => draw());
  observer.observe(el);

  /** @param {number} columns @param {number} count @param {Row[]} rows @param {string[]} names */
  function rebuild(columns, count, rows, names) {
    grid.replaceChildren();
    grid.style.setProperty("--vw-columns", String(columns));
    bitmaps = rows.map(() => []);
    for (let start = 0; start < count; start += columns) {
      const stop = Math.min(start + columns, count);
      rows.forEach((row, r) => {
        grid.append(h("div", "vw-grid-name", { text: row.name }));
        for (let i = start; i < stop; i++) {
          const bitmap = createBitmap("vw-grid-image");
          bitmap.canvas.setAttribute("aria-label", `${row.name}${names[i] ? `, ${names[i]}` : ""}`);
          bitmaps[r].push(bitmap);
          if (r > 0 || !onPress) {
            grid.append(bitmap.canvas);
            continue;
          }
          const label = `replace this image${names[i] ? `, ${names[i]}` : ""}`;
          const button = h("button", "vw-grid-pick", {
            type: "button",
            title: "replace with another image",
            "aria-label": label,
          });
          button.addEventListener("click", () => onPress(i));
          button.append(bitmap.canvas);
          grid.append(button);
        }
        for (let i = stop; i < start + columns; i++) grid.append(h("span"));
      });
      if (stop < count) grid.append(h("div", "vw-grid-gap"));
    }
  }

  function draw() {
    if (!state) return;
    const { rows, shape, names } = state;
    const length = shape[0] * shape[1] * shape[2];
    const count = rows[0].images.length / length;
    const room = Math.max(el.clientWidth - 128, minSize);
    const columns = Math.max(1, Math.min(count, Math.floor(room / (minSize + 4))));
    const wanted = JSON.stringify([columns, count, rows.map((row) => row.name), names]);
    if (wanted !== layout) {
      layout = wanted;
      rebuild(columns, count, rows, names);
    }
    rows.forEach((row, r) => {
      for (let i = 0; i < count; i++) {
        bitmaps[r][i].draw(row.images.subarray(i * length, (i + 1) * length), shape);
        bitmaps[r][i].canvas.classList.toggle("vw-faint", row.faint ?? false);
      }
    });
  }

  return {
    /** @param {{rows: Row[], shape: ImageShape, names: string[]}} next images of a row end to end */
    update(next) {
      state = next;
      draw();
    },
    destroy() {
      observer.disconnect();
      grid.remove();
    },
  };
}
