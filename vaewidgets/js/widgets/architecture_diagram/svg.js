/** Elements of SVG. Text goes through textContent only. */

const SPACE = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {string} [className]
 * @param {Record<string, string|number>} [attributes] `text` becomes its text
 * @param {Node[]} [children]
 * @returns {SVGElement}
 */
export function svg(tag, className = "", attributes = {}, children = []) {
  const el = /** @type {SVGElement} */ (document.createElementNS(SPACE, tag));
  if (className) el.setAttribute("class", className);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") el.textContent = String(value);
    else el.setAttribute(name, String(value));
  }
  el.append(...children);
  return el;
}
