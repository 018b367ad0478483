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

import { toFloat32, unpack } from "../../contract/bytes.js";
import { createImage } from "../../draw/images.js";
import { createSheet } from "../../draw/sheet.js";
import { createMany } from "../../graphs/decode_queue.js";
import { createChoice, createPress, createRange } from "../../host/controls.js";
import { h, OWN_KEYS, setText, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatFixed, formatNumber, formatVector } from "../../maths/format.js";
import { dimOrder, readLatent } from "../../maths/plane.js";
import { createClassChoice } from "../../panels/class_choice.js";
import { createTimeLine, decoderAt } from "../../panels/time.js";
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
    /** @param {{axis: import("./traverse.js").Axis, at: number, steps: number[], shape: [number, number, number]}} state */
    update({ axis, at, steps, shape }) {
      setText(name, axis.name);
      const said =
        axis.unit === "nats"
          ? `KL ${formatNumber(axis.worth, 2)} nats`
          : `std ${formatNumber(axis.worth, 2)}`;
      setText(worth, said);
      const lo = Math.min(steps[0], at);
      const hi = Math.max(steps[steps.length - 1], at);
      if (input.min !== String(lo)) input.min = String(lo);
      if (input.max !== String(hi)) input.max = String(hi);
      if (Math.abs(Number(input.value) - at) > 1e-9) input.value = String(at);
      const text = formatFixed(at, 2);
      setText(value, text);
      input.setAttribute("aria-label", `${axis.name}, ${said}`);
      input.setAttribute("aria-valuetext", text);
      const near = steps.reduce(
        (best, x, i) => (Math.abs(x - at) < Math.abs(steps[best] - at) ? i : best),
        0,
      );
      sheet.update({
        count: steps.length,
        shape,
        single: true,
        marked: near,
        label: `${axis.name} from ${formatFixed(steps[0], 2)} to ${formatFixed(steps[steps.length - 1], 2)}, other dimensions fixed`,
      });
    },
    destroy() {
      input.removeEventListener("input", onInput);
      input.removeEventListener("keydown", onKey);
      sheet.destroy();
      wrap.remove();
    },
  };
}

export default defineWidget({
  name: "latent-traversal",
  label: "Latent traversal",
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
    const preview = createImage(images, { name: "decoded" });
    /** @type {import("../../host/widget.js").State | null} */
    let state = null;
    /** @type {import("../../maths/plane.js").Latent | null} */
    let latent = null;
    let latentSource = /** @type {any} */ (null);
    let points = /** @type {Float32Array} */ (new Float32Array(0));
    let pointsSource = /** @type {any} */ (null);
    let originals = /** @type {Uint8Array} */ (new Uint8Array(0));
    let originalsSource = /** @type {any} */ (null);
    /** @type {number[]} */
    let order = [];
    /** @type {ReturnType<typeof createRow>[]} */
    const rows = [];
    /** @type {import("./traverse.js").Axis[]} */
    let axes = [];
    /** @type {Float32Array[][]} */
    let drawn = [];
    let key = "";
    let again = false;
    let z = new Float32Array(0);

    const many = createMany({
      ask: (list) => commands.decode(list),
      onImage(name, bytes) {
        const [row, i] = name.split(",").map(Number);
        if (row < 0) showPreview(bytes);
        else rows[row]?.sheet.set(i, bytes);
      },
      onRound(left) {
        if (left === 0 && again) start();
      },
    });

    function start() {
      again = false;
      const jobs = drawn.flatMap((steps, row) => steps.map((point, i) => ({ key: `${row},${i}`, z: point })));
      many.start([{ key: "-1,0", z }, ...jobs]);
    }

    /** @param {Uint8Array} bytes */
    function showPreview(bytes) {
      if (!state) return;
      const shape = state.frame.run.image_shape;
      preview.update({ image: bytes, shape, title: "decoded", detail: `z = ${formatVector(z)}` });
    }

    const shape = () => state?.frame.run.image_shape ?? /** @type {[number, number, number]} */ ([1, 1, 1]);
    const count = () => {
      const [c, y, x] = shape();
      const there = latent ? points.length / latent.d : 0;
      return originals.length ? Math.min(there, Math.floor(originals.length / (c * y * x))) : there;
    };
    /** @returns {number | null} */
    function base() {
      const given = view.get("base", null);
      return Number.isInteger(given) && given >= 0 && given < count() ? given : null;
    }
    function baseZ() {
      const i = base();
      if (!latent) return new Float32Array(0);
      if (i !== null) return points.slice(i * latent.d, (i + 1) * latent.d);
      return latent.prior ? new Float32Array(latent.d) : latent.mean.slice();
    }
    /** @param {number | null} i */
    function setBase(i) {
      view.set("z", null);
      view.set("base", i);
    }
    const step = (/** @type {1|-1} */ by) => () => {
      const now = base();
      setBase(now === null ? 0 : (now + by + count()) % Math.max(count(), 1));
    };
    const style = () => {
      const given = view.get("style", null);
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

    /** @param {import("../../host/widget.js").State} next */
    function read(next) {
      const data = next.frame.latent;
      if (data && data !== latentSource) {
        latentSource = data;
        latent = readLatent(data);
        // Rows of nearly equal KL do not swap at every frame; at rest they stand as Python orders them.
        order = dimOrder(latent, next.frame.run.status === "running" ? order : []);
        if (latent.d === 2) order = latent.kl && latent.kl[1] > latent.kl[0] ? [1, 0] : [0, 1];
      }
      if (next.originals !== originalsSource) {
        originalsSource = next.originals;
        originals = next.originals ? /** @type {Uint8Array} */ (unpack(next.originals)) : new Uint8Array(0);
      }
      const then = time.moment && /** @type {any} */ (decoderAt(next, view.get("time", null)))?.mu;
      const source = then ?? data?.points;
      if (!source || source === pointsSource) return;
      pointsSource = source;
      points = toFloat32(source);
    }

    return {
      update(next) {
        state = next;
        time.update(next);
        read(next);
        if (!latent) return;
        const now = latent;
        const known = many.setDecoder(decoderAt(next, view.get("time", null)));
        const told = many.setLabel(classChoice.update(many.classes, next.frame.run));
        const principal = view.get("axes", "dimensions") === "principal" && now.d > 1;
        const most = principal ? now.directions.length : now.d;
        const shown = Math.min(view.get("rows", 10), most, 32);
        axes = Array.from({ length: shown }, (_, k) =>
          principal ? direction(now, k) : dimension(now, order[k]),
        );
        const own = view.get("z", null);
        z = Array.isArray(own) && own.length === now.d ? Float32Array.from(own) : baseZ();
        const n = next.options.images ?? 11;
        const steps = axes.map((axis) => values(style(), axis, n));
        const wanted = JSON.stringify([Array.from(z), steps, axes.map(({ name }) => name)]);
        makeRows(shown);
        axes.forEach((axis, row) => {
          rows[row].update({ axis, at: axis.coordinate(z), steps: steps[row], shape: shape() });
        });
        if (wanted !== key || told) {
          key = wanted;
          drawn = axes.map((axis, row) => steps[row].map((to) => axis.moved(z, to)));
          start();
        } else if (known) {
          if (many.left > 0) again = true;
          else start();
        }
        const i = base();
        setText(place, `z = ${formatVector(z, 6)}`);
        setText(baseName, i === null ? "start from: prior mean" : `start from: image ${i}`);
        for (const { button } of buttons.slice(0, 2)) button.disabled = count() === 0;
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
        show(note, many.reason !== null);
        setText(note, many.reason ? `decoded by the kernel, since the page cannot: ${many.reason}` : "");
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
