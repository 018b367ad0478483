/**
 * Where a pointer is, in an element's own CSS pixels. The only file that reads an event's or a box's place in the
 * window: these are pixels of the window, and an element's own pixels differ from them as soon as it stands in a
 * transform (slides are scaled) or under `zoom`. test/pointer.test.js fails where another file reads them.
 *
 * @typedef {{clientX: number, clientY: number}} Place  of an event, in pixels of the window
 */

/** A canvas has at most so many pixels a CSS pixel, whatever a transform enlarges it by. */
const MOST_PIXELS_PER_PX = 4;
/** Layout sizes are whole numbers, boxes are not: what differs by less is the same size. */
const ROUNDING_PX = 1;

/** The element around this one, out of a shadow tree too. @param {Element} element @returns {Element | null} */
function around(element) {
  const root = element.getRootNode();
  return element.assignedSlot ?? element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}

/** Whether nothing around it transforms it: it is drawn above the page. @param {Element} element */
const isOnTop = (element) => element === document.fullscreenElement || element.matches(":modal");

/** What the transforms of an element and of those around it do to a vector. @param {Element} element */
function transformOf(element) {
  let whole = new DOMMatrix();
  for (let at = /** @type {Element | null} */ (element); at; at = isOnTop(at) ? null : around(at)) {
    const { transform, rotate, scale } = getComputedStyle(at);
    // In this order: the properties `scale` and `rotate` stand to the left of `transform`. A turn about an axis in
    // the plane only makes the box narrower, as `zoom` would.
    const steps = transform === "none" ? [] : [transform];
    if (/\d/.test(scale)) steps.push(`scale(${scale.split(" ").slice(0, 2)})`);
    if (/^\S+deg$/.test(rotate)) steps.push(`rotate(${rotate})`);
    for (const step of steps) whole = new DOMMatrix(step).multiply(whole);
  }
  return whole;
}

/**
 * How an element lies in the window. An affine map keeps centers, so the center of the box around it is the center
 * of the element, however it is turned. What the box is larger by than its transforms explain is `zoom`.
 * @param {HTMLElement} element
 * @returns {{toClient: DOMMatrix, width: number, height: number}} own CSS pixels to the window's; own width and height
 */
function frameOf(element) {
  const box = element.getBoundingClientRect();
  let { offsetWidth: width, offsetHeight: height } = element;
  const { a, b, c, d } = transformOf(element);
  const across = Math.abs(a) * width + Math.abs(c) * height;
  const down = Math.abs(b) * width + Math.abs(d) * height;
  const zoomX = Math.abs(box.width - across) < ROUNDING_PX ? 1 : box.width / across || 1;
  const zoomY = Math.abs(box.height - down) < ROUNDING_PX ? 1 : box.height / down || 1;
  if (!b && !c) {
    // Of an upright element the box knows the size, to the fraction.
    if (zoomX === 1) width = box.width / Math.abs(a) || 0;
    if (zoomY === 1) height = box.height / Math.abs(d) || 0;
  }
  const toClient = new DOMMatrix([1, 0, 0, 1, box.left + box.width / 2, box.top + box.height / 2])
    .multiply(new DOMMatrix([a * zoomX, b * zoomY, c * zoomX, d * zoomY, 0, 0]))
    .translate(-width / 2, -height / 2);
  return { toClient, width, height };
}

/**
 * The place of a pointer in an element: 0, 0 is its upper left corner, wherever that is drawn.
 * @param {Place} place an event
 * @param {HTMLElement} element without a border
 * @returns {[number, number]} the element's own CSS pixels
 */
export const localOf = (place, element) => localAt(element, place.clientX, place.clientY);

/**
 * The place of an element that is drawn at a place of the window.
 * @param {HTMLElement} element @param {number} left @param {number} top clientX, clientY
 * @returns {[number, number]} the element's own CSS pixels
 */
export function localAt(element, left, top) {
  const { x, y } = frameOf(element).toClient.inverse().transformPoint({ x: left, y: top });
  return [x, y];
}

/**
 * Where a place of an element is drawn: `localAt` backwards.
 * @param {HTMLElement} element @param {number} left @param {number} top the element's own CSS pixels
 * @returns {[number, number]} clientX, clientY
 */
export function clientOf(element, left, top) {
  const { x, y } = frameOf(element).toClient.transformPoint({ x: left, y: top });
  return [x, y];
}

/** The middle of an element in another, the other's own CSS pixels. @param {HTMLElement} element @param {HTMLElement} other */
export function middleIn(element, other) {
  const [width, height] = sizeOf(element);
  return localAt(other, ...clientOf(element, width / 2, height / 2));
}

/** Whether an element starts below another, as the other stands. @param {HTMLElement} element @param {HTMLElement} other */
export function isBelow(element, other) {
  const [, top] = localAt(other, ...clientOf(element, 0, 0));
  return top > sizeOf(other)[1] - ROUNDING_PX;
}

/** An element's own width and height, however it is drawn. @param {HTMLElement} element @returns {[number, number]} */
export function sizeOf(element) {
  const { width, height } = frameOf(element);
  return [width, height];
}

let least = 1;

/** Draw canvases with at least so many pixels a CSS pixel from now on. @param {number} ratio */
export function sharpen(ratio) {
  least = ratio;
}

/**
 * Pixels of the screen a CSS pixel of an element: never fewer than the device has, so that what is drawn small stays
 * sharp when it grows again.
 * @param {HTMLElement} element
 */
export function pixelRatioOf(element) {
  const { a, b, c, d } = frameOf(element).toClient;
  const enlarged = Math.max(Math.hypot(a, b), Math.hypot(c, d), 1);
  return Math.min(Math.max((window.devicePixelRatio || 1) * enlarged, least), MOST_PIXELS_PER_PX);
}
