/** An order as the answer of an exercise: items are dragged, or moved by their two buttons. */
import { h, icon, OWN_KEYS, setText, show } from "../../host/dom.js";
import { capture } from "../../host/input.js";
import { localOf, middleIn } from "../../host/pointer.js";

const UP = "M8 3.5l5 6.2H3z";
const DOWN = "M8 12.5l5-6.2H3z";
const GRIP = "M5 3h2v2H5zM9 3h2v2H9zM5 7h2v2H5zM9 7h2v2H9zM5 11h2v2H5zM9 11h2v2H9z";

/** @template T @param {T[]} list @param {number} from @param {number} to @returns {T[]} with one moved */
export function moved(list, from, to) {
  const rest = list.filter((_, i) => i !== from);
  return [...rest.slice(0, to), list[from], ...rest.slice(to)];
}

/**
 * @param {HTMLElement} el
 * @param {{exercise: import("./predict.js").Order, onAnswer: (answer: string[]) => void}} opts
 */
export function createOrder(el, { exercise, onAnswer }) {
  const { order_by: by } = exercise;
  const abort = new AbortController();
  const { signal } = abort;
  let items = exercise.order;
  let locked = false;
  const list = h("ol", "vw-predict-list", { "aria-label": by ? `your order by ${by}` : "your order" });
  const truths = h("ol", "vw-predict-list vw-predict-truths", {
    "aria-label": "the true order",
    hidden: true,
  });
  const voice = h("div", "vw-voice", { role: "status" });
  const titles = [h("p", "vw-knobs-title"), h("p", "vw-knobs-title", { text: "true" })];
  const keep = h("button", "vw-button vw-keep-order", { type: "button", text: "this is my order" });
  const columns = h("div", "vw-predict-orders", OWN_KEYS, [
    h("div", "vw-predict-column", {}, [titles[0], list]),
    h("div", "vw-predict-column", {}, [titles[1], truths]),
  ]);
  const wrap = h("div", "vw-predict-order", {}, [columns, keep, voice]);
  el.append(wrap);
  keep.addEventListener("click", () => onAnswer(items), { signal });

  const rows = new Map(exercise.order.map((item) => [item, createRow(item)]));

  /** @param {string} item */
  function createRow(item) {
    const number = h("span", "vw-predict-rank");
    const mark = h("span", "vw-predict-mark");
    const grip = h("span", "vw-predict-grip", { "aria-hidden": "true" });
    grip.append(icon(GRIP));
    const [up, down] = [UP, DOWN].map((path, i) => {
      const button = h("button", `vw-button vw-predict-${i ? "down" : "up"}`, {
        type: "button",
        "aria-label": `move ${item} ${i ? "down" : "up"}`,
      });
      button.append(icon(path));
      button.addEventListener("click", () => step(item, i ? 1 : -1, button), { signal });
      return button;
    });
    const row = h("li", "vw-predict-item", {}, [
      number,
      grip,
      h("span", "vw-predict-text", { text: item }),
      mark,
      h("span", "vw-predict-moves", {}, [up, down]),
    ]);
    return { row, number, mark, up, down };
  }

  /** The item that is dragged. @type {string | null} */
  let held = null;
  list.addEventListener(
    "pointerdown",
    (event) => {
      const on = event.target instanceof Element ? event.target : null;
      if (locked || event.button > 0 || !on || on.closest("button")) return;
      // A finger scrolls the page by the text and drags by the grip.
      if (event.pointerType === "touch" && !on.closest(".vw-predict-grip")) return;
      held = items.find((item) => rows.get(item)?.row.contains(on)) ?? null;
      if (held === null) return;
      event.preventDefault();
      rows.get(held)?.row.classList.add("is-held");
      // By the list: a row that changes places is taken out for a moment, and would lose the pointer.
      capture(list, event);
    },
    { signal },
  );
  list.addEventListener(
    "pointermove",
    (event) => {
      if (held === null) return;
      const [, y] = localOf(event, list);
      const to = items.filter((other) => other !== held && heightOf(other) < y).length;
      if (to !== items.indexOf(held)) place(moved(items, items.indexOf(held), to));
    },
    { signal },
  );
  /** @param {PointerEvent} event */
  function drop(event) {
    if (held === null) return;
    rows.get(held)?.row.classList.remove("is-held");
    held = null;
    if (event.type === "pointerup") onAnswer(items);
  }
  list.addEventListener("pointerup", drop, { signal });
  list.addEventListener("pointercancel", drop, { signal });

  /** How far down the list the middle of an item is. @param {string} item */
  function heightOf(item) {
    const row = rows.get(item)?.row;
    return row ? middleIn(row, list)[1] : 0;
  }

  /** @param {string} item @param {number} by @param {HTMLButtonElement} pressed */
  function step(item, by, pressed) {
    const from = items.indexOf(item);
    const to = from + by;
    if (to < 0 || to >= items.length) return;
    place(moved(items, from, to));
    // Taken out and put back, or disabled at an end, a button loses the focus.
    const row = rows.get(item);
    const other = pressed === row?.up ? row?.down : row?.up;
    (pressed.disabled ? other : pressed)?.focus();
    setText(voice, `${item} is now ${to + 1} of ${items.length}`);
    onAnswer(items);
  }

  /** @param {string[]} next */
  function place(next) {
    items = next;
    next.forEach((item, i) => {
      const row = rows.get(item);
      if (!row) return;
      if (list.children[i] !== row.row) list.insertBefore(row.row, list.children[i] ?? null);
      setText(row.number, String(i + 1));
      row.up.disabled = i === 0;
      row.down.disabled = i === next.length - 1;
    });
  }

  return {
    /** @param {import("./asks.js").Stand} stand */
    update({ answer, truth, revealed }) {
      locked = revealed;
      const next = answer ?? exercise.order;
      if (held === null) place(next);
      wrap.classList.toggle("is-revealed", revealed);
      setText(titles[0], [revealed ? "yours" : "", by].filter(Boolean).join(": "));
      show(titles[0], titles[0].textContent !== "");
      show(keep, answer === null);
      next.forEach((/** @type {string} */ item, /** @type {number} */ i) => {
        const row = rows.get(item);
        if (!row) return;
        const hit = revealed && truth[i] === item;
        setText(row.mark, revealed ? (hit ? "✓" : "✗") : "");
        row.mark.title = revealed ? (hit ? "in the right place" : "in the wrong place") : "";
        row.row.classList.toggle("is-true", hit);
        row.row.classList.toggle("is-wrong", revealed && !hit);
      });
      const column = /** @type {HTMLElement} */ (truths.parentElement);
      show(column, revealed);
      show(truths, revealed);
      if (revealed && truths.children.length !== truth.length) {
        truths.replaceChildren(
          ...truth.map((/** @type {string} */ item, /** @type {number} */ i) =>
            h("li", "vw-predict-item", {}, [
              h("span", "vw-predict-rank", { text: String(i + 1) }),
              h("span", "vw-predict-text", { text: item }),
            ]),
          ),
        );
      }
      if (!revealed) truths.replaceChildren();
    },
    destroy() {
      abort.abort();
      wrap.remove();
    },
  };
}
