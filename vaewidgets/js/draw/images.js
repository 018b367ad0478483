/**
 * Items on canvases (`items.js`): a tile of any size, one in the page, a large one under a title, and rows of them.
 *
 * @typedef {import("./items.js").Items} Items
 * @typedef {import("../host/theme.js").Theme} Theme
 */
import { createCanvas, h, setAttributes, setText, show } from "../host/dom.js";
import { createPainter } from "../host/painter.js";
import { localOf, pixelRatioOf } from "../host/pointer.js";
import { createFade } from "./fade.js";
import { drawItem, textAt, toRgba } from "./items.js";

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
 * A canvas of one item, which need not be in the page.
 * @param {string} className @param {Theme} theme @param {boolean} [axes] whether bars and lines have axes
 */
export function createTile(className, theme, axes = false) {
  const surface = createCanvas(`vw-bitmap ${className}`);
  const { canvas, context } = surface;
  /** @type {{bytes: ArrayLike<number>, items: Items} | null} */
  let shown = null;
  /** @type {ImageData | null} */
  let pixels = null;
  let drawn = "";
  let x = /** @type {import("./scales.js").Scale | null} */ (null);
  return {
    canvas,
    /** @param {ArrayLike<number>} bytes @param {Items} items */
    set(bytes, items) {
      shown = { bytes, items };
      drawn = "";
    },
    /** Draw what was set, if it was not drawn so; pixels have a size of their own. @param {number} width @param {number} height CSS pixels @param {number} ratio */
    fit(width, height, ratio) {
      if (!shown) return;
      const { bytes, items } = shown;
      const { scheme } = theme;
      const wanted = [Math.round(width * ratio), Math.round(height * ratio), scheme].join();
      if (wanted === drawn) return;
      drawn = wanted;
      if (items.vector) {
        surface.resize(width, height, ratio);
        surface.clear();
        const pen = { context, theme, size: axes ? theme.fontSize() : 0, width, height, ratio };
        x = width ? drawItem(pen, bytes, items, axes) : null;
        return;
      }
      const [, high, wide] = items.shape;
      if (!pixels || canvas.width !== wide || canvas.height !== high) {
        canvas.width = wide;
        canvas.height = high;
        pixels = context.createImageData(wide, high);
      }
      toRgba(bytes, items, pixels.data, scheme);
      context.putImageData(pixels, 0, 0);
    },
    /** What is at a place. @param {[number, number]} at shares of the width and of the height @returns {string} */
    textAt([u, v]) {
      const { bytes, items } = shown ?? {};
      if (!bytes || !items) return "";
      if (x) return textAt(bytes, items, Math.round(x.invert(u * surface.width)));
      if (items.draw !== "heatmap") return "";
      return textAt(bytes, items, Math.floor(v * items.count), Math.floor(u * items.lines));
    },
  };
}

/**
 * A tile in the page, drawn again at another size.
 * @param {string} className @param {Theme} theme @param {boolean} [axes]
 */
export function createBitmap(className, theme, axes) {
  const tile = createTile(className, theme, axes);
  const { canvas } = tile;
  const seen = createFade();
  /** @type {ReturnType<typeof createPainter> | null} */
  let painter = null;
  function paint(/** @type {number} */ now) {
    const isMoving = seen.advance(now);
    put();
    return isMoving;
  }
  canvas.setAttribute("role", "img");
  // Walking up to the page for it would take longer than the drawing.
  let ratio = 1;
  const redraw = () => tile.fit(canvas.clientWidth, canvas.clientHeight, ratio);
  let items = /** @type {Items | null} */ (null);
  function put() {
    if (!items) return;
    tile.set(seen.now, items);
    if (items.vector) redraw();
    else tile.fit(0, 0, 0);
  }
  new ResizeObserver(() => {
    ratio = pixelRatioOf(canvas);
    redraw();
  }).observe(canvas);
  return {
    ...tile,
    /** In another theme, too. */
    redraw,
    /** @param {ArrayLike<number>} bytes @param {Items} next @param {boolean} [fade] from what is seen now, pixels alone */
    draw(bytes, next, fade = false) {
      items = next;
      canvas.style.aspectRatio = `${items.wide} / ${items.high}`;
      if (!seen.aim(bytes, fade && !items.vector)) return put();
      painter ??= createPainter(canvas, paint);
      painter.request();
    },
  };
}

/**
 * One large item under a title line, which says what the pointer is at.
 * @param {HTMLElement} el
 * @param {{name: string, theme: Theme}} opts
 */
export function createImage(el, { name, theme }) {
  const title = h("figcaption", "vw-title");
  const bitmap = createBitmap(`vw-${name}`, theme, true);
  const { canvas } = bitmap;
  const empty = h("div", "vw-image-empty");
  const figure = h("figure", "vw-figure", {}, [title, h("div", "vw-image-frame", {}, [canvas, empty])]);
  el.append(figure);
  const unfollow = theme.onChange(bitmap.redraw);
  let named = "";
  let pointed = /** @type {[number, number] | null} */ (null);
  function entitle() {
    const text = pointed && bitmap.textAt(pointed);
    setText(title, text ? `${named}, ${text}` : named);
  }
  for (const type of /** @type {const} */ (["pointermove", "pointerleave"]))
    canvas.addEventListener(type, (event) => {
      const [x, y] = localOf(event, canvas);
      pointed = type === "pointermove" ? [x / canvas.clientWidth, y / canvas.clientHeight] : null;
      entitle();
    });
  return {
    el: figure,
    /**
     * @param {{image: ArrayLike<number>|null, items: Items, title: string, detail?: string, fade?: boolean}} state
     *   fade: out of the image before
     */
    update({ image, items, title: text, detail = "", fade = false }) {
      show(canvas, image !== null);
      show(empty, image === null);
      setText(empty, image === null ? detail : "");
      const label = detail && image ? `${text}. ${detail}` : text;
      setAttributes(canvas, { "aria-label": label });
      canvas.style.objectFit = items.draw === "heatmap" ? "fill" : "";
      if (image) bitmap.draw(image, items, fade);
      named = text;
      entitle();
    },
    destroy() {
      unfollow();
      figure.remove();
    },
  };
}

/**
 * Rows of images over one another, wrapped into as many blocks as the width asks for.
 * @param {HTMLElement} el
 * @param {{theme: Theme, minSize?: number, onPress?: (index: number) => void}} opts minSize: least width of an image in
 *   CSS pixels; onPress: an image of the first row was pressed
 */
export function createGrid(el, { theme, minSize = 44, onPress }) {
  const grid = h("div", "vw-grid");
  el.append(grid);
  /** @typedef {{name: string, images: Uint8Array, faint?: boolean}} Row */
  /** @type {{rows: Row[], items: Items, names: string[]} | null} */
  let state = null;
  /** @type {ReturnType<typeof createBitmap>[][]} */
  let bitmaps = [];
  let layout = "";
  const observer = new ResizeObserver(() => draw());
  observer.observe(el);
  const unfollow = theme.onChange(() => draw());

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
          const bitmap = createBitmap("vw-grid-image", theme);
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
    const { rows, items, names } = state;
    const { length } = items;
    const count = rows[0].images.length / length;
    const room = Math.max(el.clientWidth - 128, minSize);
    const columns = Math.max(1, Math.min(count, Math.floor(room / (minSize + 4))));
    const wanted = JSON.stringify([columns, count, rows.map((row) => row.name), names]);
    const fade = wanted === layout;
    if (!fade) {
      layout = wanted;
      rebuild(columns, count, rows, names);
    }
    rows.forEach((row, r) => {
      for (let i = 0; i < count; i++) {
        bitmaps[r][i].draw(row.images.subarray(i * length, (i + 1) * length), items, fade);
        bitmaps[r][i].canvas.classList.toggle("vw-faint", row.faint ?? false);
      }
    });
  }

  return {
    /** @param {{rows: Row[], items: Items, names: string[]}} next images of a row end to end */
    update(next) {
      state = next;
      draw();
    },
    destroy() {
      observer.disconnect();
      unfollow();
      grid.remove();
    },
  };
}
