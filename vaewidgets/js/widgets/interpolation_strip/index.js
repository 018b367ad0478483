/**
 * InterpolationStrip: the path between two encoded images, decoded, with a verdict on how it reads.
 *
 * Handle: see host/widget.js; and
 *   ends               numbers of the two images
 *   path()             the z of each judged point
 *   image(i)           bytes of the i-th image shown
 *   verdict            as maths/path.js gives it, or null while the path is being decoded
 *   toClient(end)      where the handle of an end (0 or 1) stands on the map
 *   pointClient(i)     where the code of image i stands on the map
 *   left               how many images are still to be decoded
 * Controls: .vw-end-0, .vw-end-1 (each a select of classes, .vw-previous, .vw-next), .vw-mode, the handles on the map.
 */

import { createImage, fromBytes } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { createSheet } from "../../draw/sheet.js";
import { createChoice, createPress } from "../../host/controls.js";
import { h, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatVector, shortened } from "../../maths/format.js";
import { evidence, interpolate, judgePath, nearestLabel, passesThrough, READS } from "../../maths/path.js";
import { viewPlane } from "../../maths/plane.js";
import { nearest } from "../../maths/statistics.js";
import { createCodes } from "../../panels/codes.js";
import { createDecoding } from "../../panels/decoding.js";
import { createLatentMap } from "../../panels/latent_map.js";
import { createTimeLine, decoderAt } from "../../panels/time.js";
import help from "./help.json" with { type: "json" };
import { createPathChart } from "./path_chart.js";

/** The path is judged at as many points at least; shown is every second or third. */
const JUDGED = 31;
const LETTERS = ["A", "B"];
const MODES = [
  { value: "lerp", text: "straight (lerp)" },
  { value: "slerp", text: "along the sphere (slerp)" },
];

export default defineWidget({
  name: "interpolation-strip",
  label: "Interpolation",
  help,
  build(context) {
    const { shell, commands, view } = context;
    const stripEl = h("div", "vw-strip");
    const chartEl = h("div");
    const verdictEl = h("p", "vw-path-verdict", { role: "status" });
    const reasons = h("ul", "vw-evidence");
    const note = h("p", "vw-note vw-reason", { hidden: true });
    const mapEl = h("div", "vw-strip-map");
    const endsEl = h("div", "vw-ends");
    const side = h("div", "vw-strip-side", {}, [endsEl]);
    const left = h("div", "vw-strip-verdict", {}, [verdictEl, reasons, note]);
    shell.body.append(stripEl, chartEl, h("div", "vw-strip-below", {}, [mapEl, side, left]));

    /** @type {import("../../host/widget.js").State | null} */
    let state = null;
    const codes = createCodes(viewPlane);
    /** @type {Float64Array[]} */
    let path = [];
    let pathKey = "";
    /** Images of the path, in the data's value range. @type {(Float32Array | null)[]} */
    let images = [];
    let verdict = /** @type {import("../../maths/path.js").Verdict | null} */ (null);
    let shown = 11;
    let every = 3;
    let drawnFor = "";
    const wanted = () => JSON.stringify([ends(), view.get("mode", "lerp"), view.get("time", null)]);

    const { many, refresh } = createDecoding(note, {
      ask: (z) => commands.decode(z),
      start,
      onImage(key, bytes, image, fade) {
        const k = Number(key);
        const range = state?.frame.run.value_range ?? [0, 1];
        images[k] = image ? image.slice() : fromBytes(bytes, range);
        if (k % every === 0) sheet.set(k / every, bytes, fade);
      },
      onRound: (remaining) => remaining === 0 && judge(),
    });
    const sheet = createSheet(stripEl, {
      theme: shell.theme,
      name: "path",
      most: 128,
      onMark: (i) => i !== null && path[i * every] && view.set("hover", Array.from(path[i * every])),
    });
    const chart = createPathChart(chartEl, { theme: shell.theme });
    const map = createLatentMap(mapEl, {
      theme: shell.theme,
      label: "Codes of the images and the path between the two ends",
      onDrag(end, at) {
        const i = nearest(codes.seen, ...at, codes.count);
        if (i >= 0) setEnd(end, i);
      },
      onKey: (end, dx, dy) => toward(end, dx, dy),
    });

    const labels = () => codes.latent?.labels ?? null;
    const nameOf = (/** @type {number} */ c) => state?.frame.run.class_names?.[c] ?? String(c);
    /** @returns {[number, number]} */
    function ends() {
      const given = view.get("ends", null);
      const n = codes.count;
      const ok =
        Array.isArray(given) &&
        given.length === 2 &&
        given.every((i) => Number.isInteger(i) && i >= 0 && i < n);
      return ok ? /** @type {[number, number]} */ ([given[0], given[1]]) : [0, Math.max(n - 1, 0)];
    }

    /** @param {number} end @param {number} i */
    function setEnd(end, i) {
      const next = ends();
      next[end] = i;
      view.set("ends", next);
    }

    /** The nearest image in a direction: within 45° of it, so that each key leads somewhere. @param {number} end @param {number} dx @param {number} dy */
    function toward(end, dx, dy) {
      const from = ends()[end];
      const { seen } = codes;
      const [u, v] = [seen[2 * from], seen[2 * from + 1]];
      let best = -1;
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < codes.count; i++) {
        const along = (seen[2 * i] - u) * dx + (seen[2 * i + 1] - v) * dy;
        const aside = Math.abs((seen[2 * i] - u) * dy) + Math.abs((seen[2 * i + 1] - v) * dx);
        if (along > 1e-9 && aside <= along && along < least) [least, best] = [along, i];
      }
      if (best >= 0) setEnd(end, best);
    }

    const endParts = LETTERS.map((letter, end) => {
      const el = h("div", `vw-end vw-end-${end}`);
      const pictureEl = h("div", "vw-end-image");
      const pick = h("div", "vw-group");
      el.append(pictureEl, pick);
      endsEl.append(el);
      const picture = createImage(pictureEl, { name: `end-image-${end}`, theme: shell.theme });
      const select = createChoice(pick, {
        name: `end-class-${end}`,
        label: letter,
        textOf: () => "",
        onChange(value) {
          const i = labels()?.indexOf(Number(value)) ?? -1;
          if (i >= 0) setEnd(end, i);
        },
      });
      const step = (/** @type {1|-1} */ by) => () => {
        const n = codes.count;
        const now = ends()[end];
        const label = labels()?.[now];
        for (let k = 1; k <= n; k++) {
          const i = (now + by * k + n * k) % n;
          if (label === undefined || labels()?.[i] === label) return setEnd(end, i);
        }
        return undefined;
      };
      const previous = createPress(pick, {
        name: "previous",
        text: "‹",
        title: "the previous image of the same class",
        onPress: step(-1),
      });
      const next = createPress(pick, {
        name: "next",
        text: "›",
        title: "the next image of the same class",
        onPress: step(1),
      });
      previous.button.setAttribute("aria-label", `end ${letter}: previous image`);
      next.button.setAttribute("aria-label", `end ${letter}: next image`);
      return { picture, select, previous, next };
    });
    const mode = createChoice(side, {
      name: "mode",
      label: "path",
      onChange: (value) => view.set("mode", value),
    });
    const time = createTimeLine(shell.body, context);

    // Two points chosen in any widget of the run become the ends.
    const unselect = view.on("selected", (value) => {
      if (Array.isArray(value) && value.length === 2 && Math.max(...value) < codes.count)
        view.set("ends", [...value]);
    });

    function start() {
      verdict = null;
      images = new Array(path.length).fill(null);
      // What is shown first, the points between for the verdict after.
      const order = [...path.keys()].sort((a, b) => (a % every ? 1 : 0) - (b % every ? 1 : 0) || a - b);
      many.start(order.map((k) => ({ key: String(k), z: Float32Array.from(path[k]) })));
    }

    function judge() {
      if (!codes.latent || images.some((image) => image === null) || !images.length) return;
      const known = labels();
      const [a, b] = ends();
      const classes = known && path.map((z) => nearestLabel(z, codes.points, known));
      verdict = judgePath({
        images: /** @type {Float32Array[]} */ (images),
        z: path,
        classes: classes?.every((c) => c >= 0) ? classes : null,
        ends: known && known[a] >= 0 && known[b] >= 0 ? [known[a], known[b]] : null,
      });
      drawVerdict();
    }

    function drawVerdict() {
      const { latent } = codes;
      if (!verdict || !latent) return;
      setText(verdictEl, READS[verdict.verdict]);
      verdictEl.dataset.verdict = verdict.verdict;
      const all = evidence(verdict, nameOf);
      // Where there is no prior, a norm says nothing of it.
      const said = latent.prior ? all : all.slice(0, -1);
      while (reasons.children.length > said.length) reasons.lastChild?.remove();
      said.forEach((sentence, i) => {
        if (!reasons.children[i]) reasons.append(h("li"));
        setText(reasons.children[i], sentence);
      });
      const middle = (/** @type {number} */ i) => sheet.boxOf(i).x + sheet.boxOf(i).width / 2;
      chart.update(
        {
          span: () => [middle(0), Math.max(middle(shown - 1), middle(0) + 8)],
          steps: verdict.steps,
          classes: verdict.classes,
          logPrior: latent.prior ? verdict.logPrior : null,
          nameOf,
        },
        `Along the path: ${verdict.verdict}; classes ${passesThrough(verdict.classes).map(nameOf).join(", ") || "not known"}`,
      );
    }

    return {
      update(next) {
        state = next;
        time.update(next);
        const decoder = decoderAt(next, view.get("time", null));
        codes.read(next, time.moment && decoder);
        const { latent, plane, points, seen } = codes;
        if (!latent || !plane || !points.length) return;
        const { run } = next.frame;
        const { d } = latent;
        shown = next.options.images ?? 11;
        every = Math.max(1, Math.ceil((JUDGED - 1) / (shown - 1)));
        const known = many.setDecoder(decoder);
        const [a, b] = ends();
        const kind = view.get("mode", "lerp");
        const [za, zb] = [codes.code(a), codes.code(b)];
        const key = JSON.stringify([a, b, kind, shown, Array.from(za), Array.from(zb)]);
        const moved = key !== pathKey;
        drawnFor = wanted();
        const items = itemsOf(run);
        sheet.update({
          count: shown,
          items,
          single: true,
          label: `${shown} images decoded along the path. Arrow keys go from one to the next.`,
        });
        if (moved) {
          pathKey = key;
          path = interpolate(kind, za, zb, (shown - 1) * every + 1);
        }
        // While an end is dragged the strip follows each place; the verdict follows where it rests.
        refresh(moved, known);
        const choices = [...new Set(labels() ?? [])]
          .filter((c) => c >= 0)
          .sort((p, q) => p - q)
          .map((c) => ({ value: String(c), text: shortened(nameOf(c)) }));
        [a, b].forEach((i, end) => {
          const label = labels()?.[i] ?? -1;
          const { picture, select } = endParts[end];
          picture.update({
            image: codes.image(i),
            items,
            title: `${LETTERS[end]}: ${label >= 0 ? `class ${nameOf(label)}, ` : ""}image ${i}`,
            detail: "no thumbnail",
          });
          select.update({ value: String(label), choices, hidden: choices.length === 0 });
        });
        mode.update({ value: kind, choices: MODES });
        map.update({
          points: seen,
          labels: labels(),
          classNames: run.class_names,
          axes: plane.axes,
          prior: latent.prior ? { center: plane.toPlane(new Float32Array(d)), radii: [1, 2] } : null,
          path: path.map((z) => plane.toPlane(z)),
          handles: [a, b].map((i, end) => ({
            at: [seen[2 * i], seen[2 * i + 1]],
            text: LETTERS[end],
            label: `end ${LETTERS[end]} of the path, arrow keys choose another image`,
            value: `image ${i}${labels() ? `, ${nameOf(labels()?.[i] ?? -1)}` : ""}, z = ${formatVector(codes.code(i), 2)}`,
          })),
        });
        drawVerdict();
      },
      message: (content, buffers) => many.reply(content, buffers),
      caption: () =>
        "Images decoded along the path from A to B. Drag A and B on the map, or choose other images.",
      handle: {
        get ends() {
          return ends();
        },
        path: () => path.map((z) => Array.from(z)),
        image: (/** @type {number} */ i) => sheet.image(i),
        get verdict() {
          // A view that changed is drawn at the next frame.
          if (!verdict || drawnFor !== wanted()) return null;
          return { ...verdict, steps: [...verdict.steps], logPrior: [...verdict.logPrior] };
        },
        toClient: (/** @type {number} */ end) => {
          const i = ends()[end];
          return map.toClient(codes.seen[2 * i], codes.seen[2 * i + 1]);
        },
        pointClient: (/** @type {number} */ i) => map.toClient(codes.seen[2 * i], codes.seen[2 * i + 1]),
        get left() {
          return many.left;
        },
      },
      destroy() {
        unselect();
        many.destroy();
        for (const part of [sheet, chart, map, mode, time]) part.destroy();
        for (const { picture, select, previous, next } of endParts)
          for (const part of [picture, select, previous, next]) part.destroy();
      },
    };
  },
});
