/**
 * Which color is which class, outside the plot: one entry a class, "other" at the end where there are more than are
 * colored apart. An entry is a button where pressing it does something; the arrow keys go from one to the next, so that
 * the whole legend is one stop of the Tab key.
 *
 * For tests: .vw-legend holds .vw-legend-entry (with data-label) and .vw-legend-other.
 *
 * @typedef {{named: number[], others: number, nameOf: (label: number) => string, isOn?: (label: number) => boolean,
 *   plain?: boolean}} LegendState  plain: the points have other colors
 */

import { h, OWN_KEYS, setAttributes, setText, show } from "../host/dom.js";
import { ARROWS, takeKey } from "../host/input.js";
import { formatCount, shortened } from "../maths/format.js";

const LONGEST_NAME = 24;

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../host/theme.js").Theme, onPress?: (label: number, add: boolean) => void}} opts
 *   add: Shift or Ctrl was held
 */
export function createLegend(el, { theme, onPress }) {
  const other = h("span", "vw-legend-other", { hidden: true }, [
    h("span", "vw-swatch vw-swatch-other", { "aria-hidden": "true" }),
    h("span", "vw-legend-text"),
  ]);
  const wrap = h("div", "vw-legend", { role: "group", "aria-label": "classes", hidden: true, ...OWN_KEYS }, [
    other,
  ]);
  el.append(wrap);
  /** @type {LegendState | null} */
  let state = null;
  /** @type {HTMLElement[]} */
  const entries = [];

  /** @param {number} count */
  function resize(count) {
    while (entries.length > count) entries.pop()?.remove();
    while (entries.length < count) {
      const parts = [h("span", "vw-swatch", { "aria-hidden": "true" }), h("span", "vw-legend-text")];
      const entry = onPress
        ? h("button", "vw-legend-entry", { type: "button", tabindex: entries.length ? -1 : 0 }, parts)
        : h("span", "vw-legend-entry", {}, parts);
      other.before(entry);
      entries.push(entry);
    }
  }

  function draw() {
    const {
      named,
      others,
      nameOf,
      isOn = () => true,
      plain = false,
    } = state ?? { named: [], others: 0, nameOf: String };
    show(wrap, named.length > 0);
    wrap.classList.toggle("is-plain", plain);
    resize(named.length);
    for (const [i, label] of named.entries()) {
      const entry = entries[i];
      const name = nameOf(label);
      entry.dataset.label = String(label);
      /** @type {HTMLElement} */ (entry.children[0]).style.setProperty(
        "--vw-swatch",
        theme.classColor(label),
      );
      setText(entry.children[1], shortened(name, LONGEST_NAME));
      if (!onPress) continue;
      const title = `show only ${name}; with Shift, add or remove it`;
      setAttributes(entry, { title, "aria-pressed": isOn(label) });
    }
    show(other, others > 0);
    setText(other.children[1], `other (${formatCount(others)} ${others === 1 ? "class" : "classes"})`);
  }

  /** @param {Event} event */
  const entryOf = ({ target }) => entries.find((entry) => entry.contains(/** @type {Node} */ (target)));

  wrap.addEventListener("click", (event) => {
    const entry = entryOf(event);
    if (entry) onPress?.(Number(entry.dataset.label), event.shiftKey || event.ctrlKey || event.metaKey);
  });
  wrap.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    const entry = entryOf(event);
    if (!arrow || !entry) return;
    takeKey(event);
    const to = entries.indexOf(entry) + arrow[0] - arrow[1] + entries.length;
    const next = entries[to % entries.length];
    for (const one of entries) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  });
  const unfollow = theme.onChange(draw);

  return {
    /** @param {LegendState | null} next null: no classes */
    update(next) {
      state = next;
      draw();
    },
    destroy() {
      unfollow();
      wrap.remove();
    },
  };
}
