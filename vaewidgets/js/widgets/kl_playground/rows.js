/** A KL as one bar of two parts, shift and spread, each with its formula and its number. */

import { h, setAttributes, setText } from "../../host/dom.js";
import { formatFixed } from "../../maths/format.js";

/** "0.818 nats" @param {number} value */
export const nats = (value) => `${formatFixed(value, value >= 100 ? 1 : value >= 10 ? 2 : 3)} nats`;

/**
 * @param {HTMLElement} el
 * @param {{name: string, note: string, onPress: () => void}} opts
 */
export function createKlRow(el, { name, note, onPress }) {
  const total = h("span", "vw-kl-total");
  const head = h("button", "vw-kl-name", { type: "button", "aria-pressed": "false" }, [
    h("b", "", { text: name }),
    total,
    h("span", "vw-note", { text: note }),
  ]);
  const parts = ["shift", "spread"].map((part) => {
    const formula = h("span", "vw-kl-formula");
    const value = h("span", "vw-kl-value");
    return {
      bar: h("div", `vw-kl-${part}`),
      term: h("div", `vw-kl-term vw-kl-term-${part}`, {}, [
        h("span", "vw-kl-part", { text: part }),
        formula,
        value,
      ]),
      formula,
      value,
    };
  });
  const track = h(
    "div",
    "vw-kl-track",
    { "aria-hidden": "true" },
    parts.map(({ bar }) => bar),
  );
  const wrap = h("div", "vw-kl-row", {}, [head, track, ...parts.map(({ term }) => term)]);
  el.append(wrap);
  head.addEventListener("click", onPress);
  return {
    /**
     * @param {{shift: number, spread: number, total: number, top: number, pressed: boolean, shiftText: string,
     *   spreadText: string}} state  top: the whole bar, in nats
     */
    update({ shift, spread, total: sum, top, pressed, shiftText, spreadText }) {
      setText(total, nats(sum));
      setAttributes(head, { "aria-pressed": pressed });
      [
        { value: shift, text: shiftText },
        { value: spread, text: spreadText },
      ].forEach(({ value, text }, i) => {
        parts[i].bar.style.width = `${((100 * value) / top).toFixed(2)}%`;
        setText(parts[i].formula, text);
        setText(parts[i].value, nats(value));
      });
    },
    destroy: () => wrap.remove(),
  };
}
