/**
 * LatentGeometry: the decoder's metric on a plane of the latent space, and the shortest path beside lerp and slerp.
 *
 * Handle: see host/widget.js; and
 *   ends               as they stand in the view
 *   path(name)         of "lerp", "slerp" or "geodesic": {z, length, verdict}, or null while it is searched
 *   magnification(c)   of a cell, the lowest row first
 *   toClient(end)      where the handle of an end (0 or 1) stands on the map
 *   left               how much is still searched: 0, nothing
 * Controls: .vw-uncertainty, the handles on the map.
 */

import { fromBytes, toBytes } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { createSheet } from "../../draw/sheet.js";
import { createRange } from "../../host/controls.js";
import { h, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatNumber, formatVector } from "../../maths/format.js";
import { evenly, geodesic, latticePath, lengthOf, SEGMENTS } from "../../maths/geometry.js";
import { interpolate, judgePath, nearestLabel, READS } from "../../maths/path.js";
import { viewPlane } from "../../maths/plane.js";
import { createCodes } from "../../panels/codes.js";
import { showReason } from "../../panels/decoding.js";
import { createLatentMap } from "../../panels/latent_map.js";
import { createTimeLine, decoderAt } from "../../panels/time.js";
import { createGround, drawPaths } from "./ground.js";
import help from "./help.json" with { type: "json" };
import { createSearch } from "./search.js";
import { createSurface, errorsOf, inSight, measured } from "./surface.js";

/** @typedef {import("../../maths/geometry.js").Point} Point */
/** @typedef {{points: Point[], z: ArrayLike<number>[], images: Float32Array[], length: number, verdict: import("../../maths/path.js").Verdict}} Found */
const NAMES = /** @type {const} */ ({
  lerp: "straight (lerp)",
  slerp: "along the sphere (slerp)",
  geodesic: "geodesic",
});
const SHOWN = 11;
const EVERY = SEGMENTS / (SHOWN - 1);

export default defineWidget({
  name: "latent-geometry",
  label: "Latent geometry",
  help,
  build(context) {
    const { shell, commands, view } = context;
    const mapEl = h("div");
    const groundNote = h("p", "vw-note vw-geometry-ground");
    const note = h("p", "vw-note vw-reason", { hidden: true });
    const left = h("div", "", {}, [mapEl, groundNote]);
    const result = h("p", "vw-path-verdict", { role: "status" });
    const knobs = h("div", "vw-knobs");
    const right = h("div", "vw-geometry-paths", {}, [result]);
    shell.body.append(h("div", "vw-geometry", {}, [left, right]));

    /** @type {import("../../host/widget.js").State | null} */
    let state = null;
    const codes = createCodes(viewPlane);
    const surface = createSurface();
    const ground = createGround();
    let errors = /** @type {{near: number, varied: number} | null} */ (null);
    /** For which part of the plane the metric of these weights is known. */
    let measuredFor = /** @type {import("../../maths/camera.js").Extent | null} */ (null);
    let sight = /** @type {import("../../maths/camera.js").Extent | null} */ (null);
    let seen = /** @type {Float32Array | null} */ (null);
    let key = "";
    let drawnFor = "";
    /** @type {Partial<Record<keyof typeof NAMES, Found>>} */
    const found = {};

    const cells = () => state?.options.cells ?? 24;
    const uncertainty = () => view.get("uncertainty", 3);
    const range = () => state?.frame.run.value_range ?? [0, 1];
    const wanted = () => JSON.stringify([ends(), uncertainty(), view.get("time", null)]);
    const search = createSearch({ ask: (z) => commands.decode(z), work });

    /** @returns {(number | Point)[]} */
    function ends() {
      const given = view.get("ends", null);
      const n = codes.count;
      const ok = (/** @type {any} */ end) =>
        Array.isArray(end)
          ? end.length === 2 && end.every(Number.isFinite)
          : Number.isInteger(end) && end >= 0 && end < n;
      return Array.isArray(given) && given.length === 2 && given.every(ok)
        ? [...given]
        : [0, Math.max(n - 1, 0)];
    }

    /** Where an end lies on the plane. @param {number | Point} end @returns {Point} */
    const placeOf = (end) => (Array.isArray(end) ? end : [codes.seen[2 * end], codes.seen[2 * end + 1]]);

    /** @param {Point} p */
    function toZ([u, v]) {
      const { plane, latent } = codes;
      return plane && latent ? plane.moved(latent.mean, u, v) : new Float32Array(0);
    }

    /** A search on the plane as one in the latent space. @template T @param {Generator<Point[], T, ArrayLike<number>[]>} asks @param {(image: Float32Array, p: Point) => ArrayLike<number>} given @returns {Generator<ArrayLike<number>[], T, Float32Array[]>} */
    function* onPlane(asks, given) {
      let step = asks.next();
      while (!step.done) {
        const points = step.value;
        const images = yield points.map(toZ);
        step = asks.next(images.map((image, i) => given(image, points[i])));
      }
      return step.value;
    }

    /** All there is to find, what is seen first at first. @returns {import("./search.js").Work} */
    function* work() {
      const { latent, plane } = codes;
      if (!latent || !plane || !sight) return;
      const [a, b] = ends().map(placeOf);
      const line = evenly([a, b]);
      const shown = { lerp: line.map(toZ), slerp: interpolate("slerp", toZ(a), toZ(b), SEGMENTS + 1) };
      const images = yield [...shown.lerp, ...shown.slerp];
      if (!errors) {
        const numbers = measured(codes.count).filter((i) => codes.image(i));
        const decoded = yield numbers.map(codes.code);
        const originals = numbers.map((i) => fromBytes(/** @type {Uint8Array} */ (codes.image(i)), range()));
        errors = errorsOf(originals, decoded);
      }
      surface.fit(codes.seen, errors, uncertainty(), images[0].length);
      show("lerp", shown.lerp, images.slice(0, SEGMENTS + 1));
      show("slerp", shown.slerp, images.slice(SEGMENTS + 1));
      if (measuredFor !== sight) {
        const inView = sight;
        yield* onPlane(surface.measure(inView, cells()), (image) => image);
        measuredFor = inView;
      }
      const metric = surface.metric(cells());
      ground.update(metric, cells(), surface.extent);
      drawMap();
      const starts = [line, latticePath(metric, cells(), /** @type {any} */ (surface.extent), a, b)];
      const path = yield* onPlane(geodesic(starts, surface.step(search.local)), surface.lift);
      const z = path.map(toZ);
      show("geodesic", z, yield z);
      drawnFor = wanted();
    }

    /** @param {keyof typeof NAMES} name @param {ArrayLike<number>[]} z @param {Float32Array[]} images */
    function show(name, z, images) {
      const { latent, plane } = codes;
      if (!latent || !plane) return;
      const points = z.map((one) => plane.toPlane(one));
      const length = lengthOf(images.map((image, k) => surface.lift(image, points[k])));
      const { labels } = latent;
      const classes = labels && z.map((one) => nearestLabel(one, codes.points, labels));
      const known = classes?.every((c) => c >= 0) ? classes : null;
      const own = ends().map((end, i) =>
        Array.isArray(end) ? (known?.[i ? known.length - 1 : 0] ?? -1) : (labels?.[end] ?? -1),
      );
      const told = own.every((c) => c >= 0) ? /** @type {[number, number]} */ (own) : null;
      found[name] = {
        points,
        z,
        images,
        length,
        verdict: judgePath({ images, z, classes: known, ends: told }),
      };
      const { sheet } = rows[name];
      for (let i = 0; i < SHOWN; i++) sheet.set(i, toBytes(images[i * EVERY], range()));
      describe(name);
      drawMap();
    }

    /** @param {keyof typeof NAMES} name */
    function describe(name) {
      const path = found[name];
      if (!path) return;
      const { verdict } = path.verdict;
      setText(rows[name].length, `length ${formatNumber(path.length, 3)}`);
      setText(rows[name].reads, verdict);
      rows[name].reads.title = READS[verdict];
      const straight = found.lerp?.length;
      if (name !== "geodesic" || !straight) return;
      const saved = Math.round(100 * (1 - path.length / straight));
      const text = saved < 1 ? "as short as the straight line" : `${saved} % shorter than the straight line`;
      setText(result, `The geodesic is ${text}`);
    }

    const map = createLatentMap(mapEl, {
      theme: shell.theme,
      label: "Codes on the magnified plane, and three paths between A and B",
      onDrag(end, at) {
        const next = ends();
        next[end] = at;
        view.set("ends", next);
      },
    });

    const row = (/** @type {keyof typeof NAMES} */ name) => {
      const el = h("div");
      const length = h("span", "vw-geometry-length");
      const reads = h("span", "vw-geometry-length");
      const line = h("span", "vw-geometry-line", { "data-path": name, "aria-hidden": "true" });
      const title = h("span", "vw-geometry-name", {}, [NAMES[name]]);
      el.append(h("div", "vw-geometry-head", {}, [line, title, length, reads]));
      right.append(el);
      const sheet = createSheet(el, {
        theme: shell.theme,
        name: `path-${name}`,
        least: 20,
        onMark: (i) => i !== null && found[name] && view.set("hover", Array.from(found[name].z[i * EVERY])),
      });
      return { length, reads, sheet };
    };
    const rows = { lerp: row("lerp"), slerp: row("slerp"), geodesic: row("geodesic") };
    right.append(knobs, note);
    const knob = createRange(knobs, {
      name: "uncertainty",
      label: "uncertainty",
      min: 0,
      max: 10,
      step: 0.5,
      title: "standard deviation of a pixel where there are no codes, in those of the data",
      describe: (value) => (value === 0 ? "none" : `${value} ×`),
      onChange: (value) => view.set("uncertainty", value),
    });
    const time = createTimeLine(shell.body, context);
    const unselect = view.on("selected", (value) => {
      if (Array.isArray(value) && value.length === 2 && Math.max(...value) < codes.count)
        view.set("ends", [...value]);
    });

    function drawMap() {
      const { latent, plane } = codes;
      if (!state || !latent || !plane || !sight) return;
      const hover = view.get("hover", null);
      const mark = hover?.length === latent.d ? plane.toPlane(hover) : null;
      const between = /** @type {[Point, Point]} */ (ends().map(placeOf));
      const paths = Object.fromEntries(
        Object.entries(found).map(([name, { points }]) => [name, stretched(points, between)]),
      );
      map.update({
        points: codes.seen,
        labels: latent.labels,
        classNames: state.frame.run.class_names,
        axes: plane.axes,
        prior: latent.prior ? { center: plane.toPlane(new Float32Array(latent.d)), radii: [1, 2] } : null,
        path: [],
        extent: sight,
        under: ground.draw,
        over(pen) {
          ground.drawEllipses(pen);
          drawPaths(pen, paths, mark);
        },
        handles: ends().map((end, i) => ({
          at: placeOf(end),
          text: "AB"[i],
          label: `end ${"AB"[i]} of the paths, arrow keys move it`,
          value: formatVector(placeOf(end), 2),
        })),
      });
      const shown = ground.range;
      const text = shown?.map((value) => formatNumber(value, 2)).join(" to ");
      const stronger = "Stronger ground: a step changes the image more";
      setText(
        groundNote,
        `${stronger}${text ? ` (√det G ${text})` : ""}. Ellipses: steps that change it alike.`,
      );
    }

    return {
      update(next) {
        state = next;
        time.update(next);
        const decoder = decoderAt(next, view.get("time", null));
        codes.read(next, time.moment && decoder);
        const { latent } = codes;
        if (!latent || latent.d < 2 || !codes.points.length) return;
        const known = search.setDecoder(decoder);
        const moved = codes.seen !== seen;
        if (moved) {
          seen = codes.seen;
          const center = latent.prior ? codes.plane?.toPlane(new Float32Array(latent.d)) : null;
          sight = inSight(sight, seen, center ?? null);
        }
        if (known) [errors, measuredFor] = [null, null];
        const nextKey = JSON.stringify([ends(), uncertainty()]);
        const other = nextKey !== key;
        key = nextKey;
        for (const { sheet } of Object.values(rows))
          sheet.update({
            count: SHOWN,
            items: itemsOf(next.frame.run),
            single: true,
            label: `${SHOWN} images decoded along a path. Arrow keys go from one to the next.`,
          });
        search.refresh(other, known || moved);
        showReason(note, search.reason);
        knob.update({ value: uncertainty() });
        drawMap();
      },
      message: (content, buffers) => search.reply(content, buffers),
      caption: () =>
        "How the decoder stretches the latent plane, and the path from A to B along which the image changes least. Drag A and B.",
      handle: {
        get ends() {
          return ends();
        },
        path(/** @type {keyof typeof NAMES} */ name) {
          const path = found[name];
          if (!path || search.busy || drawnFor !== wanted()) return null;
          return { z: path.z.map((z) => Array.from(z)), length: path.length, verdict: path.verdict.verdict };
        },
        magnification: (/** @type {number} */ c) => ground.at(c),
        toClient: (/** @type {number} */ end) => map.toClient(...placeOf(ends()[end])),
        get left() {
          return search.busy ? 1 : 0;
        },
      },
      destroy() {
        unselect();
        search.destroy();
        for (const part of [map, knob, time, ...Object.values(rows).map(({ sheet }) => sheet)])
          part.destroy();
      },
    };
  },
});

/**
 * A path that follows its ends until the one between them is found.
 * @param {Point[]} points @param {[Point, Point]} between
 */
function stretched(points, between) {
  const last = points.length - 1;
  return points.map((p, k) => {
    const moved = (/** @type {0|1} */ axis) =>
      p[axis] +
      (1 - k / last) * (between[0][axis] - points[0][axis]) +
      (k / last) * (between[1][axis] - points[last][axis]);
    return /** @type {Point} */ ([moved(0), moved(1)]);
  });
}
