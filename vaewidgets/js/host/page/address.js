/**
 * The view of a whole page in its address: `#view=` and one small JSON. No DOM.
 *
 * @typedef {import("../view.js").PageView} PageView
 */

const KEY = "view";

/** @param {PageView} view @returns {string} a fragment with its "#" */
export function toFragment(view) {
  // What encodeURIComponent leaves alone but messengers cut off or read as markup is encoded too.
  const text = encodeURIComponent(JSON.stringify(view)).replace(
    /[!'()*~]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `#${KEY}=${text}`;
}

/** @param {string} fragment @returns {PageView | null} null where there is none that can be read */
export function fromFragment(fragment) {
  const part = fragment
    .replace(/^#/, "")
    .split("&")
    .find((one) => one.startsWith(`${KEY}=`));
  if (!part) return null;
  try {
    const view = JSON.parse(decodeURIComponent(part.slice(KEY.length + 1)));
    const isList = (/** @type {any} */ list) => Array.isArray(list) && list.every(isPlain);
    return isPlain(view) && isList(view.runs) && isList(view.widgets) ? view : null;
  } catch {
    return null; // somebody else's fragment, or one that was cut off
  }
}

/** @param {any} value */
function isPlain(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
