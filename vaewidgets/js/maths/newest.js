/** The newest value of a quantity in the curves of a run. No DOM. */
import { toFloat32 } from "../contract/bytes.js";

/**
 * Of the test images where they are measured, else of the last steps.
 * @param {{curves?: import("../contract/types.js").Curves}} part
 * @param {string} name
 * @returns {import("../contract/types.js").Newest | null}
 */
export function newestOf({ curves }, name) {
  const series = (curves?.series ?? []).filter((one) => one.name === name && one.mean.shape[0]);
  const chosen = series.find(({ split }) => split === "test") ?? series[0];
  return chosen ? { value: toFloat32(chosen.mean).at(-1) ?? 0, split: chosen.split } : null;
}
