/**
 * LatentTraversal: one row a latent dimension, the others held; a slider each.
 *
 * Handle: see host/widget.js; and
 *   rows()             of each row: its name and the z of each of its images
 *   image(row, i)      bytes of an image, or null
 *   z                  the point that the rows start from
 *   left               how many images are still to be decoded
 * Controls: .vw-style, .vw-axes, .vw-rows, .vw-base (.vw-previous, .vw-next, .vw-rest), .vw-back, a slider a row.
 */

import { createImage } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { createSheet } from "../../draw/sheet.js";
import { createChoice, createPress, createRange } from "../../host/controls.js";
import { assign, h, OWN_KEYS, setAttributes, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatFixed, formatNumber, formatVector } from "../../maths/format.js";
import { dimOrder } from "../../maths/plane.js";
import { wholeWithin } from "../../maths/whole.js";
import { createClassChoice } from "../../panels/class_choice.js";
import { createCodes } from "../../panels/codes.js";
import { createDecoding } from "../../panels/decoding.js";
import { createTimeLine, decoderAt } from "../../panels/time.js";
import help from "./help.json" with { type: "json" };
import { dimension, direction, STYLES, values } from "./traverse.js";

/**
 * @param {HTMLElement} el
 * @param {{theme: import("../../host/theme.js").Theme, onSlide: (to: number) => void, onMark: (i: number) => void}} opts
 */
function createRow(el, { theme, onSlide, onMark }) {
  const name = h("span", "vw-row-name");
  const worth = h("span", "vw-note");
  const input = h("input", "vw-slider", { type: "range", step: "any" });
  const value = h("output", "vw-range-value");
  const strip = h("div", "vw-row-strip");
  const wrap = h("div", "vw-row", OWN_KEYS, [
    h("div", "vw-row-head", {}, [name, worth]),
    h("div", "vw-row-slide", {}, [input, value]),
    strip,
  ]);
  el.append(wrap);
  const sheet = createSheet(strip, {
    theme,
    name: "traversal",
    most: 64,
    onMark: (i) => i !== null && onMark(i),
  });
  const onInput = () => onSlide(Number(input.value));
  // A key moves it by a fortieth of the way: "any" alone leaves the step to the browser.
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const step = (Number(input.max) - Number(input.min)) / 40;
    input.value = String(Number(input.value) + by * step);
    onInput();
  };
  input.addEventListener("input", onInput);
  input.addEventListener("keydown", onKey);
  return {
    wrap,
    sheet,
    /** @param {{axis: import("./traverse.js").Axis, at: number, steps: number[], items: import("../../draw/items.js").Items}} state */
    update({ axis, at, steps, items }) {
      setText(name, axis.name);
      const said =
        axis.unit === "nats"
          ? `KL ${formatNumber(axis.worth, 2)} nats`
          : `std ${formatNumber(axis.worth, 2)}`;
      setText(worth, said);
      const lo = Math.min(steps[0], at);
      const hi = Math.max(steps[steps.length - 1], at);
      assign(input, { min: String(lo), max: String(hi) });
      if (Math.abs(Number(input.value) - at) > 1e-9) input.value = String(at);
      const text = formatFixed(at, 2);
      setText(value, text);
      setAttributes(input, { "aria-label": `${axis.name}, ${said}`, "aria-valuetext": text });
      const near = steps.reduce(
        (best, x, i) => (Math.abs(x - at) < Math.abs(steps[best] - at) ? i : best),
        0,
      );
      sheet.update({
        count: steps.length,
        items,
        single: true,
        marked: near,
        label: `${axis.name} from ${formatFixed(steps[0], 2)} to ${formatFixed(steps[steps.length - 1], 2)}, other dimensions fixed`,
      });
    },
    destroy() {
      sheet.destroy();
      wrap.remove();
    },
  };
}

export default defineWidget({
  name: "latent-traversal",
  label: "Latent traversal",
  help,
  build(context) {
    const { shell, commands, view } = context;
    const images = h("div", "vw-traversal-image");
    const place = h("p", "vw-note vw-place");
    const knobs = h("div", "vw-knobs");
    const note = h("p", "vw-note vw-reason", { hidden: true });
    const list = h("div", "vw-rows-list");
    shell.body.append(
      h("div", "vw-traversal-split", {}, [
        h("div", "vw-traversal-side", {}, [images, place, knobs, note]),
        list,
      ]),
    );
    const preview = createImage(images, { name: "decoded", theme: shell.theme });
    /** @type {import("../../host/widget.js").State | null} */
    let state = null;
    const codes = createCodes();
    /** @type {number[]} */
    let order = [];
    /** @type {ReturnType<typeof createRow>[]} */
    const rows = [];
    /** @type {import("./traverse.js").Axis[]} */
    let axes = [];
    /** @type {Float32Array[][]} */
    let drawn = [];
    let key = "";
    let z = new Float32Array(0);

    const { many, refresh } = createDecoding(note, {
      ask: (list) => commands.decode(list),
      start,
      onImage(name, bytes, _, fade) {
        const [row, i] = name.split(",").map(Number);
        if (row < 0) showPreview(bytes);
        else rows[row]?.sheet.set(i, bytes, fade);
      },
    });

    function start() {
      const jobs = drawn.flatMap((steps, row) => steps.map((point, i) => ({ key: `${row},${i}`, z: point })));
      many.start([{ key: "-1,0", z }, ...jobs]);
    }

    /** @param {Uint8Array} bytes */
    function showPreview(bytes) {
      if (!state) return;
      const items = itemsOf(state.frame.run);
      preview.update({ image: bytes, items, title: "decoded", detail: `z = ${formatVector(z)}` });
    }

    /** @returns {number | null} */
    function base() {
      const given = view.get("base", null);
      return Number.isInteger(given) && given >= 0 && given < codes.count ? given : null;
    }
    function baseZ() {
      const i = base();
      const { latent } = codes;
      if (!latent || i !== null) return codes.code(i ?? 0);
      return latent.prior ? new Float32Array(latent.d) : latent.mean.slice();
    }
    /** @param {number | null} i */
    function setBase(i) {
      view.set("z", null);
      view.set("base", i);
    }
    const step = (/** @type {1|-1} */ by) => () => {
      const now = base();
      setBase(now === null ? 0 : (now + by + codes.count) % Math.max(codes.count, 1));
    };
    const style = () => {
      const given = view.get("style", null);
      const { latent } = codes;
      const known = STYLES.find(({ value, needsPrior }) => value === given && (latent?.prior || !needsPrior));
      return known?.value ?? (latent?.prior ? "quantiles" : "gaussian");
    };

    const styleSelect = createChoice(knobs, {
      name: "style",
      label: "range",
      onChange: (value) => view.set("style", value),
    });
    const axesSelect = createChoice(knobs, {
      name: "axes",
      label: "rows",
      onChange(value) {
        view.set("axes", value);
      },
    });
    const rowsKnob = createRange(knobs, {
      name: "rows",
      label: "number of rows",
      min: 1,
      max: 32,
      step: 1,
      onChange: (value) => view.set("rows", value),
    });
    const baseEl = h("div", "vw-group vw-base");
    const baseName = h("span", "vw-control-label");
    baseEl.append(baseName);
    knobs.append(baseEl);
    const buttons = [
      createPress(baseEl, {
        name: "previous",
        text: "‹",
        title: "start from the previous image",
        onPress: step(-1),
      }),
      createPress(baseEl, {
        name: "next",
        text: "›",
        title: "start from the next image",
        onPress: step(1),
      }),
      createPress(baseEl, {
        name: "rest",
        text: "prior mean",
        title: "start from the mean of the prior",
        onPress: () => setBase(null),
      }),
    ];
    buttons[0].button.setAttribute("aria-label", "start from the previous image");
    buttons[1].button.setAttribute("aria-label", "start from the next image");
    const back = createPress(knobs, {
      name: "back",
      text: "reset sliders",
      title: "reset all sliders to the starting point",
      onPress: () => view.set("z", null),
    });
    const classChoice = createClassChoice(knobs, view);
    const time = createTimeLine(shell.body, context);

    /** @param {number} n */
    function makeRows(n) {
      while (rows.length > n) rows.pop()?.destroy();
      while (rows.length < n) {
        const row = rows.length;
        rows.push(
          createRow(list, {
            theme: shell.theme,
            onSlide(to) {
              // From the view, not from what is drawn: another slider may have moved within the same frame.
              const now = view.get("z", null);
              const next = axes[row].moved(Array.isArray(now) && now.length === z.length ? now : z, to);
              view.set("z", Array.from(next));
              view.set("hover", Array.from(next));
            },
            onMark: (i) => drawn[row]?.[i] && view.set("hover", Array.from(drawn[row][i])),
          }),
        );
      }
    }

    /** Rows of nearly equal KL do not swap at every frame; at rest they stand as Python orders them. @param {boolean} running */
    function sortRows(running) {
      const { latent } = codes;
      if (!latent) return;
      order = dimOrder(latent, running ? order : []);
      if (latent.d === 2) order = latent.kl && latent.kl[1] > latent.kl[0] ? [1, 0] : [0, 1];
    }

    return {
      update(next) {
        state = next;
        time.update(next);
        const decoder = decoderAt(next, view.get("time", null));
        if (codes.read(next, time.moment && decoder)) sortRows(next.frame.run.status === "running");
        const { latent: now } = codes;
        if (!now) return;
        const known = many.setDecoder(decoder);
        const told = many.setLabel(classChoice.update(many.classes, next.frame.run));
        const principal = view.get("axes", "dimensions") === "principal" && now.d > 1;
        const most = principal ? now.directions.length : now.d;
        const shown = wholeWithin(view.get("rows"), 1, Math.min(most, 32), Math.min(most, 10));
        axes = Array.from({ length: shown }, (_, k) =>
          principal ? direction(now, k) : dimension(now, order[k]),
        );
        const own = view.get("z", null);
        z = Array.isArray(own) && own.length === now.d ? Float32Array.from(own) : baseZ();
        const n = next.options.images ?? 11;
        const steps = axes.map((axis) => values(style(), axis, n));
        const wanted = JSON.stringify([Array.from(z), steps, axes.map(({ name }) => name)]);
        makeRows(shown);
        const items = itemsOf(next.frame.run);
        axes.forEach((axis, row) => {
          rows[row].update({ axis, at: axis.coordinate(z), steps: steps[row], items });
        });
        const other = wanted !== key || told;
        if (other) {
          key = wanted;
          drawn = axes.map((axis, row) => steps[row].map((to) => axis.moved(z, to)));
        }
        refresh(other, known);
        const i = base();
        setText(place, `z = ${formatVector(z, 6)}`);
        setText(baseName, i === null ? "start from: prior mean" : `start from: image ${i}`);
        for (const { button } of buttons.slice(0, 2)) button.disabled = codes.count === 0;
        back.button.disabled = own === null;
        styleSelect.update({
          value: style(),
          choices: STYLES.filter(({ needsPrior }) => now.prior || !needsPrior),
        });
        axesSelect.update({
          value: principal ? "principal" : "dimensions",
          choices: [
            { value: "dimensions", text: "latent dimensions" },
            { value: "principal", text: "principal directions" },
          ],
          hidden: now.d < 2,
        });
        rowsKnob.update({ value: shown, max: Math.min(most, 32), hidden: most < 2 });
      },
      message: (content, buffers) => many.reply(content, buffers),
      caption({ frame }) {
        const by =
          view.get("axes", "dimensions") === "principal"
            ? "deviation"
            : frame.latent?.kl
              ? "KL"
              : "deviation";
        const what =
          view.get("axes", "dimensions") === "principal" ? "principal direction" : "latent dimension";
        return `Each row decodes one ${what} over its range. Rows are sorted by ${by}; other dimensions fixed.`;
      },
      handle: {
        rows: () => axes.map(({ name }, row) => ({ name, z: drawn[row].map((point) => Array.from(point)) })),
        image: (/** @type {number} */ row, /** @type {number} */ i) => rows[row]?.sheet.image(i) ?? null,
        get z() {
          return Array.from(z);
        },
        get left() {
          return many.left;
        },
      },
      destroy() {
        many.destroy();
        preview.destroy();
        for (const row of rows) row.destroy();
        for (const part of [styleSelect, axesSelect, rowsKnob, ...buttons, back, classChoice, time])
          part.destroy();
      },
    };
  },
});
