/**
 * The model of a widget in a page without a kernel: its saved state, and nobody to send anything to. No DOM.
 *
 * It answers `get("offline")` with true: what only a kernel can do is then hidden.
 */

/**
 * @param {Record<string, any>} state
 */
export function createModel(state) {
  /** @type {Record<string, any>} */
  const values = { ...state, offline: true };
  /** @type {Map<string, Set<Function>>} */
  const listeners = new Map();
  return {
    /** @param {string} key */
    get: (key) => values[key],
    /** @param {string} key @param {any} value */
    set(key, value) {
      if (values[key] === value) return;
      values[key] = value;
      for (const fn of [...(listeners.get(`change:${key}`) ?? [])]) fn();
    },
    /** @param {string} event @param {Function} fn */
    on(event, fn) {
      const of = listeners.get(event) ?? new Set();
      listeners.set(event, of.add(fn));
    },
    /** @param {string} event @param {Function} [fn] none: all */
    off(event, fn) {
      if (fn) listeners.get(event)?.delete(fn);
      else listeners.delete(event);
    },
    send() {},
    save_changes() {},
  };
}
