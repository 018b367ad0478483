/** Numbers that a view holds: its page's address may say anything. No DOM. */

/** A whole number from `least` to `most`; `otherwise` for what is no number. @param {unknown} value @param {number} least @param {number} most @param {number} otherwise */
export const wholeWithin = (value, least, most, otherwise) =>
  typeof value === "number" && Number.isFinite(value)
    ? Math.min(Math.max(Math.round(value), least), most)
    : otherwise;
