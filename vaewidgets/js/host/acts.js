/**
 * Counts what the reader did in the live key `acts`, which is there in marimo alone: marimo runs the cells that use a
 * widget again when the page changes a key of it. No DOM.
 *
 * @typedef {{get(key: string): any, set?(key: string, value: any): void, save_changes?(): void}} Counted
 */

/** After so long without another act: a slider that is dragged counts once. */
export const REST_MS = 200;
/** The pointer moves all the time. */
const UNCOUNTED = ["view:hover", "presenting"];

/** @param {() => Counted} model */
export function createActs(model) {
  let timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  function count() {
    const counted = model();
    counted.set?.("acts", counted.get("acts") + 1);
    counted.save_changes?.();
  }
  return {
    /** A message goes to the kernel. @param {{type: string, name?: string}} message */
    note({ type, name = "" }) {
      if (type !== "command" || UNCOUNTED.includes(name) || model().get("acts") == null) return;
      clearTimeout(timer);
      timer = setTimeout(count, REST_MS);
    },
    destroy: () => clearTimeout(timer),
  };
}
