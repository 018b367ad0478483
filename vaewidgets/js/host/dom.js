/** Small helpers to make elements. Text goes through textContent only: names and labels are not markup. */
import { pixelRatioOf } from "./pointer.js";

/** On an element that uses keys itself: JupyterLab's shortcuts, which listen first, then leave them alone. */
export const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} [className]
 * @param {{text?: string, [attribute: string]: string|number|boolean|undefined}} [attributes]
 * @param {(Node|string|null)[]} [children]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, className = "", attributes = {}, children = []) {
  const el = document.createElement(tag);
  if (className) el.className = className;
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") el.textContent = String(value);
    else if (value === true) el.setAttribute(name, "");
    else if (value !== undefined && value !== false) el.setAttribute(name, String(value));
  }
  el.append(...children.filter((child) => child !== null));
  return el;
}

/**
 * Set text only when it differs: the same text again would wake screen readers and layout.
 * @param {Element} el
 * @param {string} text
 */
export function setText(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

/**
 * Set properties where they differ.
 * @template {Element} T
 * @param {T} el
 * @param {Partial<T>} properties
 */
export function assign(el, properties) {
  for (const [name, value] of Object.entries(properties)) {
    const key = /** @type {keyof T} */ (name);
    if (el[key] !== value) el[key] = value;
  }
}

/**
 * Set attributes where they differ; one that is undefined is taken out.
 * @param {Element} el
 * @param {Record<string, string|number|boolean|undefined>} attributes
 */
export function setAttributes(el, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) el.removeAttribute(name);
    else if (el.getAttribute(name) !== String(value)) el.setAttribute(name, String(value));
  }
}

/** Several at once. @param {EventTarget} target @param {Record<string, (event: any) => void>} handlers by type of event */
export function listen(target, handlers) {
  for (const [type, handle] of Object.entries(handlers)) target.addEventListener(type, handle);
}

/** @param {Element} el @param {boolean} on */
export function show(el, on) {
  if (el.hasAttribute("hidden") === on) el.toggleAttribute("hidden", !on);
}

/**
 * A 16 px icon.
 * @param {string} path
 */
export function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  setAttributes(svg, { viewBox: "0 0 16 16", class: "vw-icon", "aria-hidden": true });
  svg.append(document.createElementNS(space, "path"));
  svg.firstElementChild?.setAttribute("d", path);
  return svg;
}

/** @returns {boolean} whether the person asked for less motion */
export function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * A canvas that keeps the device's resolution. Its box must be given by CSS.
 * @param {string} className
 */
export function createCanvas(className) {
  const canvas = h("canvas", className);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  return {
    canvas,
    context,
    width: 0,
    height: 0,
    /** Pixels of the canvas a CSS pixel. */
    ratio: 1,
    /** Match the box, or take another; returns whether anything changed. */
    resize(width = canvas.clientWidth, height = canvas.clientHeight, ratio = pixelRatioOf(canvas)) {
      Object.assign(this, { width, height, ratio });
      const [wide, high] = [width, height].map((px) => Math.round(px * ratio));
      if (canvas.width === wide && canvas.height === high) return false;
      canvas.width = wide;
      canvas.height = high;
      return true;
    },
    /** Empty, with units of CSS pixels. */
    clear() {
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    },
  };
}

/** @typedef {ReturnType<typeof createCanvas>} Surface */
