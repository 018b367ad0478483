/** Directions that were kept under a name: a button each brings one back, another drops it. */
import { createPress } from "../../host/controls.js";
import { h, OWN_KEYS } from "../../host/dom.js";

/** @typedef {{name: string, groups: import("./index.js").Group[]}} Kept */

const MOST_KEPT = 12;
const MOST_NAME = 40;

/**
 * @param {HTMLElement} el
 * @param {{onKeep: (kept: Kept[]) => void, onChoose: (groups: import("./index.js").Group[]) => void}} opts
 */
export function createKept(el, { onKeep, onChoose }) {
  /** @type {Kept[]} */
  let kept = [];
  /** @type {import("./index.js").Group[]} */
  let groups = [];
  const name = h("input", "vw-text vw-keep-name", {
    type: "text",
    maxlength: MOST_NAME,
    placeholder: "name this direction",
    "aria-label": "name of this direction",
    ...OWN_KEYS,
  });
  const list = h("div", "vw-kept-list");
  const form = h("div", "vw-group", {}, [name]);
  el.append(form, list);

  function keep() {
    const said = name.value.trim();
    if (!said) return;
    onKeep([...kept.filter((one) => one.name !== said), { name: said, groups }].slice(-MOST_KEPT));
    name.value = "";
  }
  name.addEventListener("keydown", (event) => event.key === "Enter" && keep());
  const button = createPress(form, { name: "keep", text: "keep", onPress: keep });

  return {
    /** @param {Kept[]} next @param {import("./index.js").Group[]} now */
    update(next, now) {
      groups = now;
      if (JSON.stringify(next) === JSON.stringify(kept)) return;
      kept = next;
      list.replaceChildren(
        ...kept.map((one) => {
          const choose = h("button", "vw-button vw-kept", { type: "button", text: one.name });
          choose.addEventListener("click", () => onChoose(one.groups));
          const drop = h("button", "vw-button vw-kept-drop", { type: "button", text: "×" });
          drop.setAttribute("aria-label", `forget ${one.name}`);
          drop.addEventListener("click", () => onKeep(kept.filter((other) => other !== one)));
          return h("span", "vw-kept-one", {}, [choose, drop]);
        }),
      );
    },
    destroy: () => button.destroy(),
  };
}
