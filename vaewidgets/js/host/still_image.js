/**
 * The picture of an element as it stands on the page, made in the page: its elements with their computed styles,
 * its canvases as images, drawn by the browser itself from one SVG.
 */
import { show } from "./dom.js";
import { isBehind } from "./painter.js";
import { sharpen, sizeOf } from "./pointer.js";

export const PIXELS_PER_PX = 2;
const MARGIN_PX = 16;
/** Where what moves meanwhile takes all the time that there is. */
const MOST_FRAMES = 30;

/** What decides how our elements look; all else is motion, pointers and print. */
const LOOKS = new RegExp(
  "^(?!.*(block|inline-|image-[so]))(display|position|top|right|bottom|left|float|clear|z-index|box-s|order|aspect|" +
    "(min-|max-)?(width|height)$|margin|padding|overflow|visibility|opacity|transform|clip-path|object-fit|" +
    "image-rendering|vertical|flex|align|justify|row-gap|column-gap|grid|border|background|color|font|line-height|" +
    "letter|text|white-space|word-break|direction|writing|unicode|list|fill|stroke|dominant|accent|appearance)",
);

/** Characters that XML does not know, which names may hold all the same. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that are taken out
const NO_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/**
 * A copy that looks the same wherever it stands.
 * @param {Element} element
 * @returns {Element | null} null: it is not shown
 */
function copyOf(element) {
  const style = getComputedStyle(element);
  if (style.display === "none") return null;
  let copy = /** @type {HTMLElement} */ (element.cloneNode(false));
  if (element instanceof HTMLCanvasElement) {
    const image = document.createElement("img");
    if (element.width && element.height) image.src = element.toDataURL();
    copy = image;
  }
  for (const { name } of [...copy.attributes])
    if (name !== "src" && isHtml(copy)) dropUnlessShown(copy, name);
  copy.setAttribute("style", cssOf(style));
  keepLines(element, copy, style);
  /** @type {(() => void)[]} */
  const after = [];
  if (element instanceof HTMLInputElement) {
    copy.setAttribute("value", element.value);
    copy.toggleAttribute("checked", element.checked);
  }
  for (const [pseudo, put] of /** @type {[string, "append"|"prepend"][]} */ ([
    ["::before", "prepend"],
    ["::after", "append"],
  ])) {
    const own = getComputedStyle(element, pseudo);
    if (own.content === "none" || own.content === "normal" || own.display === "none") continue;
    const drawn = document.createElement("span");
    drawn.setAttribute("style", cssOf(own));
    drawn.textContent = own.content.replace(/^"|"$/g, "");
    after.push(() => copy[put](drawn));
  }
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append((child.nodeValue ?? "").replace(NO_XML, ""));
    else if (child instanceof Element) {
      const inner = copyOf(child);
      if (inner) copy.append(inner);
      if (inner && child instanceof HTMLOptionElement) inner.toggleAttribute("selected", child.selected);
    }
  }
  for (const add of after) add();
  return copy;
}

/** @type {string[]} */
let looks = [];

/** @param {CSSStyleDeclaration} style */
function cssOf(style) {
  if (!looks.length) looks = [...style].filter((name) => LOOKS.test(name));
  return looks.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";");
}

/**
 * What stands in one line stays in one: widths are rounded, and the last word would go over.
 * @param {Element} element
 * @param {HTMLElement} copy
 * @param {CSSStyleDeclaration} style
 */
function keepLines(element, copy, style) {
  const boxes = [...element.children]
    .map((child) => child.getBoundingClientRect())
    .filter((box) => box.width);
  if (style.display.includes("flex") && style.flexDirection.startsWith("row")) {
    const bottom = Math.min(...boxes.map((box) => box.bottom));
    if (boxes.every((box) => box.top < bottom)) copy.style.flexWrap = "nowrap";
  }
  const hasText = [...element.childNodes].some(
    (node) => node.nodeType === Node.TEXT_NODE && node.nodeValue?.trim(),
  );
  if (!hasText || style.whiteSpace !== "normal") return;
  const range = document.createRange();
  range.selectNodeContents(element);
  const lines = [...range.getClientRects()];
  const bottom = Math.min(...lines.map((box) => box.bottom));
  if (lines.every((box) => box.top < bottom)) copy.style.whiteSpace = "nowrap";
}

/** @param {Element} element */
const isHtml = (element) => element.namespaceURI === "http://www.w3.org/1999/xhtml";

/** Names and labels are not seen, and may hold what XML does not know. @param {Element} copy @param {string} name */
function dropUnlessShown(copy, name) {
  if (!["type", "min", "max", "step", "multiple", "size", "open"].includes(name)) copy.removeAttribute(name);
}

/** Time for a new layout to be seen, asked to be drawn, and drawn. */
async function nextDrawing() {
  for (let frame = 0; frame < 3 || (isBehind() && frame < MOST_FRAMES); frame++)
    await new Promise(requestAnimationFrame);
}

/**
 * The picture of a widget: its canvases drawn sharply, its controls left out, a title above.
 * @param {HTMLElement} root
 * @param {{title: HTMLElement, redraw: () => void}} parts  title: stands in the picture alone
 * @returns {Promise<Blob>} a PNG with two pixels a CSS pixel
 */
export async function pictureOf(root, { title, redraw }) {
  const as = (/** @type {boolean} */ picture) => {
    root.classList.toggle("vw-picture", picture);
    show(title, picture);
    sharpen(picture ? PIXELS_PER_PX : 1);
    redraw();
  };
  as(true);
  await nextDrawing();
  const found = svgOf(root);
  as(false);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(found.svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = found.size.map((px) => px * PIXELS_PER_PX);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = getComputedStyle(root).backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large for this browser"))),
      "image/png",
    ),
  );
}

/** An element as it stands now, with a margin. @param {HTMLElement} element */
function svgOf(element) {
  const { paddingTop, paddingLeft } = getComputedStyle(element);
  const [x, y] = [paddingLeft, paddingTop].map((padding) =>
    Math.max(MARGIN_PX - Number.parseFloat(padding), 0),
  );
  const [width, height] = sizeOf(element).map(Math.ceil);
  const copy = /** @type {HTMLElement} */ (copyOf(element));
  copy.style.margin = "0";
  const size = [Math.ceil(width + 2 * x), Math.ceil(height + 2 * y)];
  const xml = new XMLSerializer().serializeToString(copy);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size[0]}" height="${size[1]}">
    <foreignObject x="${x}" y="${y}" width="${width}" height="${height}">${xml}
    </foreignObject></svg>`;
  return { svg, size };
}

/** "Latent scatter, MLPVAE on digits" → "latent-scatter-mlpvae-on-digits". @param {string} text */
export function slug(text) {
  return text
    .normalize("NFKD")
    .replace(/[^a-zA-Z0-9.]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, 80)
    .toLowerCase();
}

/** Hand a file to the reader. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
