/**
 * Red, green, blue (0…255) and alpha (0…1) of "#rrggbb" or of what a browser computes: rgb(), rgba(), color(srgb …).
 * @param {string} text
 * @returns {[number, number, number, number] | null} null: written in another way
 */
export function parseRgb(text) {
  const hex = /^#(..)(..)(..)$/.exec(text);
  if (hex) return [byte(hex[1]), byte(hex[2]), byte(hex[3]), 1];
  const form = /^(rgba?|color)\((srgb )?([^)]*)\)$/.exec(text);
  if (!form || (form[1] === "color" && !form[2])) return null;
  const [r, g, b, alpha = 1] = form[3].split(/[\s,/]+/).map((part) => Number(part) || 0);
  const scale = form[2] ? 255 : 1;
  return [Math.round(r * scale), Math.round(g * scale), Math.round(b * scale), alpha];
}

/** @param {string} digits */
const byte = (digits) => Number.parseInt(digits, 16);
