/** Images to choose from: one of each class in turn, and the one before or after. */
import { createSheet } from "../../draw/sheet.js";
import { createPress } from "../../host/controls.js";
import { h } from "../../host/dom.js";
import { examplesOf } from "./costs.js";

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme, onPick: (i: number) => void}} opts
 */
export function createPicker(el, { theme, onPick }) {
  const strip = h("div", "vw-micro-strip");
  const wrap = h("div", "vw-micro-pick");
  el.append(wrap);
  let shown = 0;
  let examples = /** @type {number[]} */ ([]);
  const turn = (/** @type {string} */ name, /** @type {string} */ text, /** @type {1|-1} */ by) => {
    const press = createPress(wrap, {
      name,
      text,
      title: `${name} image`,
      onPress: () => onPick(shown + by),
    });
    press.button.setAttribute("aria-label", `${name} image`);
    return press;
  };
  const previous = turn("previous", "‹", -1);
  wrap.append(strip);
  const next = turn("next", "›", 1);
  const sheet = createSheet(strip, {
    theme,
    name: "micro-sheet",
    most: 60,
    least: 20,
    onMark() {},
    onPress: (i) => onPick(examples[i]),
  });
  return {
    /** @param {{image: number, labels: Int32Array | null, codes: ReturnType<typeof import("../../panels/codes.js").createCodes>, items: import("../../draw/items.js").Items}} now */
    update({ image, labels, codes, items }) {
      shown = image;
      examples = examplesOf(labels, codes.count);
      const marked = examples.indexOf(image);
      sheet.update({
        count: examples.length,
        items,
        single: true,
        marked: marked < 0 ? null : marked,
        label: "images to choose from: the arrow keys and Enter take one",
      });
      examples.forEach((from, to) => {
        sheet.set(to, codes.image(from));
      });
    },
    destroy() {
      for (const part of [previous, next, sheet]) part.destroy();
      wrap.remove();
    },
  };
}
