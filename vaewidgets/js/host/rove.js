/**
 * Several controls as one stop of the Tab key: the arrow keys, Home and End go from one to the next, as in the tool bars
 * of other programs.
 */
import { assign, OWN_KEYS, setAttributes } from "./dom.js";
import { ARROWS, takeKey } from "./input.js";

/**
 * @param {HTMLElement} el what the controls stand in; they may come and go
 * @param {string} selector of the controls
 */
export function rove(el, selector) {
  setAttributes(el, OWN_KEYS);
  /** The one that Tab stops at. @type {HTMLElement | undefined} */
  let current;
  const all = () => /** @type {HTMLButtonElement[]} */ ([...el.querySelectorAll(selector)]);
  const isHidden = (/** @type {Element} */ one) => el.contains(one.closest("[hidden]"));
  const usable = () => all().filter((one) => !one.disabled && !isHidden(one));

  function settle() {
    const stops = usable();
    if (!stops.some((one) => one === current)) current = stops[0];
    for (const one of all()) assign(one, { tabIndex: one === current ? 0 : -1 });
  }

  const onFocus = (/** @type {FocusEvent} */ { target }) => {
    const one = usable().find((stop) => stop === target);
    if (!one) return;
    current = one;
    settle();
  };

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const stops = usable();
    const at = stops.indexOf(/** @type {any} */ (event.target));
    if (at < 0) return;
    const [dx, dy] = ARROWS[event.key] ?? [0, 0];
    const ends = { Home: 0, End: stops.length - 1 };
    const next = ends[/** @type {"Home"|"End"} */ (event.key)] ?? at + dx - dy;
    if (next === at) return;
    takeKey(event);
    stops[(next + stops.length) % stops.length].focus();
  }

  const observer = new MutationObserver(settle);
  observer.observe(el, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["hidden", "disabled"],
  });
  el.addEventListener("focusin", onFocus);
  el.addEventListener("keydown", onKey);
  settle();
  return {
    destroy() {
      observer.disconnect();
      el.removeEventListener("focusin", onFocus);
      el.removeEventListener("keydown", onKey);
    },
  };
}
