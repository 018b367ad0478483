/**
 * Colors and type for canvases, read from CSS variables and kept up to date when the theme changes.
 *
 * The first ten class colors are told apart without one of the three cones, too (contract/palette.py); further classes go
 * round the hues at two lightnesses.
 */

import { parseRgb } from "./color.js";

const CLASS_COLORS = 10;
const GOLDEN_ANGLE = 137.508;
/** Luminance above which black has more contrast than white (WCAG 2.2). */
const LIGHT = 0.18;

/** @typedef {"fg"|"fg2"|"fg3"|"bg"|"line"|"accent"|"recon"|"kl"|"loss"|"beta"|"var"|"off"} ColorName */

/**
 * Red, green and blue of a CSS color over an opaque one. The browser computes it as a style: what is read back from a
 * canvas is random in a browser that resists fingerprinting.
 * @param {string} color
 * @param {string} under
 * @returns {number[]} 0…255
 */
function bytesOf(color, under) {
  const parsed = parseColor(color);
  if (!parsed) return [0, 0, 0];
  const [r, g, b, alpha] = parsed;
  if (alpha === 1) return [r, g, b];
  const below = bytesOf(under, "#fff");
  return [r, g, b].map((part, i) => Math.round(alpha * part + (1 - alpha) * below[i]));
}

/** Any CSS color, as the browser reads it. @param {string} color */
function parseColor(color) {
  const known = parseRgb(color);
  if (known) return known;
  const probe = document.createElement("i");
  document.body.append(probe);
  // Color spaces that keep their own form when computed, such as oklch, are mixed into sRGB.
  for (const text of [color, `color-mix(in srgb, ${color}, ${color})`]) {
    probe.style.color = text;
    const found = parseRgb(getComputedStyle(probe).color);
    if (!found) continue;
    probe.remove();
    return found;
  }
  probe.remove();
  return null;
}

/** Relative luminance of a CSS color, 0…1. @param {string} color */
function luminance(color) {
  const [r, g, b] = bytesOf(color, "#fff").map((part) => (part / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/**
 * @param {HTMLElement} root carries the variables; gets data-theme="light" or "dark"
 */
export function createTheme(root) {
  /** @type {Set<() => void>} */
  const listeners = new Set();
  /** @type {Map<string, string>} */
  let cache = new Map();
  /** @type {Map<number, number[]>} */
  const classColors = new Map();
  /** @type {{labels: Int32Array | null, table: number[]} | null} */
  let classTable = null;
  /** Asked many times a drawing, and each answer of the browser may cost a layout. @type {{size: number, family: string} | null} */
  let text = null;
  const scheme = matchMedia("(prefers-color-scheme: dark)");

  let seen = "";

  /** What decides: the host's own background, else the color scheme that its page says it has (a saved page, marimo). */
  function surroundings() {
    const style = getComputedStyle(root);
    return [style.getPropertyValue("--jp-layout-color0").trim(), style.colorScheme];
  }

  function refresh() {
    const [host, page] = surroundings();
    seen = String([host, page]);
    // Where neither does, what the person's system prefers.
    const dark = host ? luminance(host) < LIGHT : page === "dark" || (page !== "light" && scheme.matches);
    root.dataset.theme = dark ? "dark" : "light";
    root.dataset.host = host ? "jupyter" : "page";
    cache = new Map();
    classColors.clear();
    classTable = null;
    text = null;
    for (const listener of listeners) listener();
  }

  const observer = new MutationObserver(refresh);
  const watched = {
    attributes: true,
    attributeFilter: [
      "class",
      "data-jp-theme-light",
      "data-jp-theme-name",
      "data-theme", // most themes of documentation sites
      "data-vw-theme",
      "style",
    ],
  };
  observer.observe(document.body, watched);
  observer.observe(document.documentElement, watched);
  scheme.addEventListener("change", refresh);
  // Outside of a page nothing can be read: JupyterLab builds a widget before it shows it, and takes out what is
  // scrolled away. Coming in or back it gets a size.
  const arrival = new ResizeObserver(() => {
    text = null; // a widget of other text is seldom as large as before
    if (root.isConnected && String(surroundings()) !== seen) refresh();
  });
  arrival.observe(root);
  // JupyterLab swaps style sheets after it changes the attribute.
  document.head.addEventListener("load", refresh, true);

  /** @param {string} name */
  function read(name) {
    let value = cache.get(name);
    if (value === undefined) {
      value = getComputedStyle(root).getPropertyValue(name).trim();
      cache.set(name, value);
    }
    return value;
  }

  function textStyle() {
    if (text) return text;
    const { fontSize, fontFamily } = getComputedStyle(root);
    const found = { size: Number.parseFloat(fontSize) || 13, family: fontFamily };
    if (root.isConnected) text = found;
    return found;
  }

  const theme = {
    refresh,
    get scheme() {
      return /** @type {"light"|"dark"} */ (root.dataset.theme);
    },
    /** @param {ColorName} name */
    color: (name) => read(`--vw-${name}`),
    /** @param {number} label a class; negative means none */
    classColor(label) {
      if (label < 0) return read("--vw-fg3");
      if (label < CLASS_COLORS) return read(`--vw-class-${label}`);
      const hue = ((label - CLASS_COLORS) * GOLDEN_ANGLE + 20) % 360;
      return `hsl(${hue.toFixed(0)} 52% ${label % 2 ? 42 : 64}%)`;
    },
    /**
     * r, g, b of "no class", then of class 0, 1, … as far as the labels go; only classes that occur are filled in.
     * @param {Int32Array | null} labels
     */
    classBytes(labels) {
      if (classTable?.labels === labels) return classTable.table;
      const under = read("--vw-bg");
      /** @type {number[]} */
      const table = [];
      for (const label of new Set([-1, ...(labels ?? [])])) {
        let color = classColors.get(label);
        if (!color) {
          color = bytesOf(theme.classColor(label), under);
          classColors.set(label, color);
        }
        for (let i = 0; i < 3; i++) table[3 * Math.max(label, -1) + 3 + i] = color[i];
      }
      classTable = { labels, table };
      return table;
    },
    /** What can be read on a color. @param {string} color */
    inkOn: (color) => (luminance(color) > LIGHT ? "#000" : "#fff"),
    /** Base size of text in CSS pixels. */
    fontSize: () => textStyle().size,
    /** A canvas font. @param {number} [relative] to the base size @param {string} [weight] */
    font(relative = 1, weight = "400") {
      const { size, family } = textStyle();
      return `${weight} ${(size * relative).toFixed(2)}px ${family}`;
    },
    /** Called after each change of theme. @param {() => void} listener @returns {() => void} */
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    destroy() {
      observer.disconnect();
      arrival.disconnect();
      scheme.removeEventListener("change", refresh);
      document.head.removeEventListener("load", refresh, true);
      listeners.clear();
    },
  };
  return theme;
}

/** @typedef {ReturnType<typeof createTheme>} Theme */
