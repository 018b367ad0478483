/**
 * LatentArithmetic: the difference of the mean codes of two groups, added to an image.
 *
 * Handle: see host/widget.js; and
 *   direction()        from the mean of A to the mean of B
 *   inOrder            the share of pairs of the two groups that stand in order along it
 *   members(i)         numbers of the images of a group
 *   row()              the z of each image of the row
 *   image(i)           bytes of the i-th image of the row; −1: the large one
 *   pointClient(i)     where the code of image i stands on the map
 *   left               how many images are still to be decoded
 * Controls: .vw-group-0, .vw-group-1 (each a select of classes and .vw-lasso), .vw-swap, .vw-amount, .vw-keep-name,
 * .vw-keep, .vw-kept, .vw-color-by, the handle on the map.
 */
import { createImage } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { drawText } from "../../draw/pen.js";
import { overlap } from "../../draw/scatter/name_places.js";
import { createSheet } from "../../draw/sheet.js";
import { createChoice, createPress, createRange } from "../../host/controls.js";
import { h, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatFixed, shortened } from "../../maths/format.js";
import { viewPlane } from "../../maths/plane.js";
import { nearest } from "../../maths/statistics.js";
import { createCodes } from "../../panels/codes.js";
import { createDecoding } from "../../panels/decoding.js";
import { rampBytes } from "../../panels/latent/ramp.js";
import { createLatentMap } from "../../panels/latent_map.js";
import { createTimeLine, decoderAt } from "../../panels/time.js";
import { coordinates, difference, inOrder, meanOf, moved } from "./arithmetic.js";
import help from "./help.json" with { type: "json" };
import { createKept } from "./kept.js";

/** @typedef {number | number[]} Group  a class, or images */

const [LOW, HIGH] = [-1, 2];
const LETTERS = ["A", "B"];
/** Places of a letter from the end of the arrow, the best first. */
const LETTER_EM = [1.1, 1.5, 1.9, 2.3, 2.7, 3.1, 3.5];
const MARK = { relative: 1.25, weight: "700", halo: 4, color: "accent" };
const LARGE = -1; // the key of the large image

export default defineWidget({
  name: "latent-arithmetic",
  label: "Latent arithmetic",
  help,
  build(context) {
    const { shell, commands, view } = context;
    const mapEl = h("div", "vw-arith-map");
    const groupsEl = h("div", "vw-arith-groups");
    const largeEl = h("div", "vw-arith-large");
    const verdict = h("p", "vw-arith-said", { role: "status" });
    const side = h("div", "vw-arith-side", {}, [groupsEl, largeEl]);
    const rowEl = h("div", "vw-strip vw-arith-row");
    const slide = h("div", "vw-arith-slide");
    const keepEl = h("div", "vw-arith-keep");
    const note = h("p", "vw-note vw-reason", { hidden: true });
    shell.body.append(h("div", "vw-arith", {}, [mapEl, side]), verdict, slide, rowEl, keepEl, note);

    /** @type {import("../../host/widget.js").State | null} */
    let state = null;
    const codes = createCodes(viewPlane);
    /** What the groups are where none were given. @type {number[][]} */
    let widest = [[], []];
    let members = /** @type {[number[], number[]]} */ ([[], []]);
    /** @type {Float64Array[]} */
    let [from, to, direction] = [new Float64Array(0), new Float64Array(0), new Float64Array(0)];
    let share = Number.NaN;
    /** @type {Float32Array} */
    let along = new Float32Array(0);
    /** Which group the next lasso makes. @type {number | null} */
    let armed = null;
    /** @type {Float32Array[]} */
    let row = [];
    /** @type {Float32Array} */
    let large = new Float32Array(0);
    let [readFrom, key, largeKey] = ["", "", ""];

    const { many, refresh } = createDecoding(note, {
      ask: (z) => commands.decode(z),
      start,
      onImage(name, bytes, _, fade) {
        if (Number(name) === LARGE) showLarge(bytes);
        else sheet.set(Number(name), bytes, fade);
      },
    });
    const sheet = createSheet(rowEl, {
      theme: shell.theme,
      name: "row",
      most: 110,
      onMark: (i) => i !== null && row[i] && view.set("hover", Array.from(row[i])),
      onPress: (i) => view.set("amount", amounts()[i]),
    });
    const picture = createImage(largeEl, { name: "moved", theme: shell.theme });
    const map = createLatentMap(mapEl, {
      theme: shell.theme,
      label: "Codes of the images, and the arrow from the mean of A to the mean of B",
      onDrag(_, at) {
        const i = nearest(codes.seen, ...at, codes.count);
        if (i >= 0) view.set("base", i);
      },
      onKey: (_, dx, dy) => view.set("base", (base() + (dx + dy) + codes.count) % Math.max(codes.count, 1)),
      onLasso(indices) {
        const inside = indices.filter((i) => i < codes.count);
        if (armed === null || !inside.length) return;
        setGroup(armed, inside);
        arm(armed === 0 ? 1 : null);
      },
    });

    const amounts = () => {
      const n = state?.options.images ?? 7;
      return Array.from({ length: n }, (_, i) => LOW + ((HIGH - LOW) * i) / (n - 1));
    };
    const amount = () => view.get("amount", 0);
    const labels = () => codes.latent?.labels ?? null;
    const nameOf = (/** @type {number} */ c) => state?.frame.run.class_names?.[c] ?? String(c);

    /** @returns {Group[]} */
    function groups() {
      const given = view.get("groups", null);
      return Array.isArray(given) && given.length === 2 ? given : widest;
    }

    /** A tenth of the images at either end of the widest direction. @returns {number[][]} */
    function endsOfWidest() {
      const { latent, points } = codes;
      if (!latent) return [[], []];
      const [axis] = latent.directions;
      const place = (/** @type {number} */ i) =>
        axis.reduce((sum, x, k) => sum + x * points[i * latent.d + k], 0);
      const places = Float32Array.from({ length: codes.count }, (_, i) => place(i));
      const order = [...places.keys()].sort((p, q) => places[p] - places[q] || p - q);
      const tenth = Math.max(1, Math.floor(codes.count / 10));
      return [order.slice(0, tenth), order.slice(-tenth)];
    }

    /** @param {Group} group @returns {number[]} */
    function imagesOf(group) {
      if (Array.isArray(group)) return group.filter((i) => i < codes.count);
      const all = labels();
      return all ? [...all.keys()].filter((i) => i < codes.count && all[i] === group) : [];
    }

    function base() {
      const given = view.get("base", null);
      const isOne = Number.isInteger(given) && given >= 0 && given < codes.count;
      return isOne ? given : (members[0][0] ?? 0);
    }

    /** @param {number} which @param {Group} group */
    function setGroup(which, group) {
      const next = [...groups()];
      next[which] = group;
      view.set("groups", next);
    }

    /** @param {number | null} which */
    function arm(which) {
      armed = which;
      map.lasso(which !== null);
      for (const [i, part] of parts.entries())
        part.lasso.update({ text: i === which ? "draw a line" : "lasso", pressed: i === which });
    }

    const parts = LETTERS.map((letter, which) => {
      const el = h("div", `vw-group vw-group-${which}`);
      const count = h("span", "vw-arith-count");
      groupsEl.append(el);
      const select = createChoice(el, {
        name: `class-${which}`,
        label: letter,
        textOf: () => "",
        onChange: (value) => setGroup(which, Number(value)),
      });
      const lasso = createPress(el, {
        name: "lasso",
        text: "lasso",
        title: `draw a line on the map around the images of ${letter}`,
        onPress: () => arm(armed === which ? null : which),
      });
      el.append(count);
      return { select, lasso, count };
    });
    const swap = createPress(groupsEl, {
      name: "swap",
      text: "swap A and B",
      onPress: () => view.set("groups", [...groups()].reverse()),
    });
    const slider = createRange(slide, {
      name: "amount",
      label: "amount",
      min: LOW,
      max: HIGH,
      step: 0.05,
      title: "how much of the way from A to B is added",
      describe: (value) => `image ${value < 0 ? "−" : "+"} ${formatFixed(Math.abs(value), 2)} (B − A)`,
      onChange: (value) => view.set("amount", value),
    });
    const kept = createKept(keepEl, {
      onKeep: (directions) => view.set("directions", directions),
      onChoose: (chosen) => view.set("groups", chosen),
    });
    let colored = false;
    const color = createPress(keepEl, {
      name: "color-by",
      text: "color by direction",
      title: "color the points by where they stand along the direction",
      onPress() {
        colored = !colored;
        draw();
      },
    });
    const time = createTimeLine(shell.body, context);

    function start() {
      many.start([{ key: String(LARGE), z: large }, ...row.map((z, i) => ({ key: String(i), z }))]);
    }

    /** @type {Uint8Array | null} */
    let shownLarge = null;
    /** @param {Uint8Array} bytes */
    function showLarge(bytes) {
      if (!state) return;
      shownLarge = bytes.slice();
      picture.update({ image: bytes, items: itemsOf(state.frame.run), title: "decoded", detail: "" });
    }

    /** The means and what follows from them; only where something of it is new. */
    function measure() {
      const { latent, points } = codes;
      if (!latent) return;
      const stale = measuredOf !== points || !widest[0].length;
      if (stale && view.get("groups", null) === null) widest = endsOfWidest();
      const wanted = JSON.stringify(groups());
      if (wanted === readFrom && measuredOf === points) return;
      [readFrom, measuredOf] = [wanted, points];
      const [a, b] = groups();
      members = [imagesOf(a), imagesOf(b)];
      [from, to] = members.map((rows) => meanOf(points, rows, latent.d));
      direction = difference(from, to);
      along = coordinates(points, from, direction);
      share = inOrder(along, ...members);
    }
    /** @type {Float32Array | null} */
    let measuredOf = null;

    function said() {
      const [a, b] = members;
      if (!a.length || !b.length) return "A group is empty: choose a class, or draw a line around points.";
      const size = Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0));
      if (!Number.isFinite(share)) return "A and B have the same mean: there is no direction.";
      const percent = Math.round(100 * share);
      const how =
        share > 0.95
          ? "tells the groups apart"
          : share > 0.75
            ? "tells them apart in part"
            : "hardly tells them apart";
      return `The direction ${how}: along it ${percent} % of all pairs stand in order (50 % is chance). It is ${formatFixed(size, 2)} long.`;
    }

    function draw() {
      const { latent, plane, seen } = codes;
      if (!state || !latent || !plane) return;
      const { run } = state.frame;
      const i = base();
      const choices = [...new Set(labels() ?? [])]
        .filter((c) => c >= 0)
        .sort((p, q) => p - q)
        .map((c) => ({ value: String(c), text: shortened(nameOf(c)) }));
      for (const [which, { select, count }] of parts.entries()) {
        const group = groups()[which];
        const drawn = { value: "lasso", text: "drawn" };
        const isDrawn = Array.isArray(group);
        select.update({
          value: isDrawn ? drawn.value : String(group),
          choices: isDrawn ? [...choices, drawn] : choices,
          hidden: choices.length === 0,
        });
        const n = members[which].length;
        setText(count, `${choices.length ? "" : `${LETTERS[which]}: `}${n} image${n === 1 ? "" : "s"}`);
      }
      setText(verdict, said());
      slider.update({ value: amount() });
      kept.update(view.get("directions", []), groups());
      color.update({ pressed: colored });
      const isArrow = members.every((rows) => rows.length) && Number.isFinite(share);
      map.update({
        points: seen,
        labels: labels(),
        classNames: run.class_names,
        colors: colored && isArrow ? rampBytes(along, [-0.5, 1.5], shell.theme.scheme) : null,
        axes: plane.axes,
        prior: latent.prior ? { center: plane.toPlane(new Float32Array(latent.d)), radii: [1, 2] } : null,
        path: isArrow ? arrow([from, to].map((z) => plane.toPlane(Float32Array.from(z)))) : [],
        over(pen, taken) {
          if (!isArrow) return [];
          const { size, x, y } = pen;
          const [tail, head] = [from, to].map((z) => {
            const [u, v] = plane.toPlane(Float32Array.from(z));
            return [x(u), y(v)];
          });
          const length = Math.hypot(head[0] - tail[0], head[1] - tail[1]) || 1;
          const toward = [(head[0] - tail[0]) / length || 1, (head[1] - tail[1]) / length];
          // Behind the arrow and before it, clear of what stands there.
          return [tail, head].map(([px, py], k) => {
            const place = (/** @type {number} */ em) => {
              const by = (k ? em : -em) * size;
              return { x: px + toward[0] * by, y: py + toward[1] * by, half: 0.6 * size, high: 0.75 * size };
            };
            const em = LETTER_EM.find((far) => !taken.some((one) => overlap(place(far), one)));
            const at = place(em ?? LETTER_EM[0]);
            drawText(pen, LETTERS[k], at.x, at.y, MARK);
            return at;
          });
        },
        handles: [
          {
            at: plane.toPlane(large),
            text: "●",
            label: "the image that the direction is added to; arrow keys choose another image",
            value: `image ${i}`,
          },
        ],
      });
    }

    return {
      update(next) {
        state = next;
        time.update(next);
        const decoder = decoderAt(next, view.get("time", null));
        codes.read(next, time.moment && decoder);
        if (!codes.latent || !codes.points.length) return;
        const known = many.setDecoder(decoder);
        measure();
        const i = base();
        const z = codes.code(i);
        const isArrow = members.every((rows) => rows.length) && direction.every(Number.isFinite);
        const way = isArrow ? direction : new Float64Array(z.length);
        large = moved(z, way, amount());
        row = amounts().map((step) => moved(z, way, step));
        const items = itemsOf(next.frame.run);
        sheet.update({
          count: row.length,
          items,
          single: true,
          marked: amounts().findIndex((step) => Math.abs(step - amount()) < 0.02),
          label: `${row.length} images: image ${i} and from −1 to 2 times the direction. Arrow keys go from one to the next.`,
        });
        const [rowKey, nowKey] = [JSON.stringify([i, readFrom, row.length]), JSON.stringify(amount())];
        const other = rowKey !== key || nowKey !== largeKey;
        [key, largeKey] = [rowKey, nowKey];
        refresh(other, known);
        draw();
      },
      message: (content, buffers) => many.reply(content, buffers),
      caption: () =>
        "Two groups make a direction, the difference of their mean codes; it is added to an image.",
      handle: {
        direction: () => Array.from(direction),
        get inOrder() {
          return share;
        },
        members: (/** @type {number} */ i) => [...members[i]],
        row: () => row.map((z) => Array.from(z)),
        image: (/** @type {number} */ i) => (i < 0 ? shownLarge : sheet.image(i)),
        pointClient: (/** @type {number} */ i) => map.toClient(codes.seen[2 * i], codes.seen[2 * i + 1]),
        get left() {
          return many.left;
        },
      },
      destroy() {
        many.destroy();
        for (const { select, lasso } of parts) for (const part of [select, lasso]) part.destroy();
        for (const part of [sheet, picture, map, swap, slider, kept, color, time]) part.destroy();
      },
    };
  },
});

/** A line between two places, with the head of an arrow at the second. @param {[number, number][]} ends @returns {[number, number][]} */
function arrow([a, b]) {
  const [du, dv] = [b[0] - a[0], b[1] - a[1]];
  const size = 0.12;
  const side = (/** @type {number} */ turn) =>
    /** @type {[number, number]} */ ([b[0] - size * (du + turn * dv), b[1] - size * (dv - turn * du)]);
  return [a, b, side(0.6), b, side(-0.6)];
}
