/**
 * The line between two places of the latent plane, decoded: A and B stand on the scatter and can be dragged, the images
 * follow. View key `path`: the two ends, each [u, v] on the plane or null; null: both are. An end that is null follows an
 * image, the one that stands for its class, wherever training takes it.
 *
 * For tests: .vw-map-handle (A and B), .vw-way canvas, .vw-follow; handle: path(), pathImages() and way().
 *
 * @typedef {ReturnType<typeof import("../../panels/latent/index.js").createLatentView>["plane"]} Plane
 * @typedef {[number, number]} Place
 */

import { createHandles } from "../../draw/handles.js";
import { createBitmap } from "../../draw/images.js";
import { createPress } from "../../host/controls.js";
import { h, show } from "../../host/dom.js";
import { createPainter } from "../../host/painter.js";
import { formatVector } from "../../maths/format.js";

const IMAGES = 9;
/** Of each frame, so that a slow decoder does not hold up the page. */
const BUDGET_MS = 8;
/** Two other classes take over where they are further apart by this factor. */
const FURTHER = 2;
/** Of a handle, in em: names keep off it. */
const HANDLE_EM = 1.3;
const LETTERS = ["A", "B"];

/**
 * @param {HTMLElement} el
 * @param {import("../../host/widget.js").Context} context
 * @param {Plane} plane
 */
export function createStrip(el, { shell, view }, plane) {
  const bitmaps = Array.from({ length: IMAGES }, () => createBitmap("vw-way-image", shell.theme));
  const row = h("div", "vw-way", { role: "img" }, [
    h("span", "vw-way-end", { text: "A" }),
    ...bitmaps.map(({ canvas }) => canvas),
    h("span", "vw-way-end", { text: "B" }),
  ]);
  for (const { canvas } of bitmaps) canvas.setAttribute("aria-hidden", "true");
  const text = "Decoded images along the line from A to B. Drag A and B on the map.";
  const head = h("div", "vw-way-head", {}, [h("div", "vw-title", { text })]);
  el.append(head, row);
  const follow = createPress(head, {
    name: "follow",
    text: "reset A and B",
    title: "let A and B follow their classes again",
    onPress() {
      view.set("path", null);
      refresh();
    },
  });

  /** @type {Uint8Array[]} */
  const images = [];
  let done = IMAGES;
  /** What the images were decoded from. */
  let drawn = "";
  let program = /** @type {unknown} */ (null);
  /** Whether the images come of training, not of a hand. */
  let fade = false;
  /** The classes that A and B follow; without classes, the images. @type {[number, number] | null} */
  let followed = null;

  /** @param {number} i number of a point @returns {Place} */
  function placeOf(i) {
    const points = plane.points();
    return [points[2 * i], points[2 * i + 1]];
  }

  /** @param {number} i @param {number} j */
  function far(i, j) {
    const [a, b] = [placeOf(i), placeOf(j)];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  }

  /** Numbers of two images far apart in the cloud, of data without classes: at a tenth of its width from either side. */
  function outer() {
    const points = plane.points();
    const order = [...Array(points.length / 2).keys()].filter((i) =>
      Number.isFinite(points[2 * i] + points[2 * i + 1]),
    );
    order.sort((i, j) => points[2 * i] - points[2 * j]);
    const at = (/** @type {number} */ share) => order[Math.round(share * (order.length - 1))];
    return /** @type {[number, number]} */ ([at(0.1), at(0.9)]);
  }

  /** Two classes far apart, so that there is something to see: those of before unless others are much further apart. */
  function classes() {
    const anchors = plane.anchors();
    const all = [...anchors].slice(0, 40);
    let best = /** @type {[number, number]} */ ([all[0][0], all[0][0]]);
    let most = -1;
    for (const [a, i] of all) {
      for (const [b, j] of all) {
        if (a < b && far(i, j) > most) [most, best] = [far(i, j), [a, b]];
      }
    }
    const [i, j] = (followed ?? []).map((label) => anchors.get(label));
    return followed && i !== undefined && j !== undefined && far(i, j) * FURTHER >= most ? followed : best;
  }

  /** Numbers of the two images that A and B follow. @returns {[number, number] | null} null without a point */
  function followedImages() {
    const anchors = plane.anchors();
    if (anchors.size) {
      followed = classes();
      return /** @type {[number, number]} */ (followed.map((label) => anchors.get(label)));
    }
    if (!plane.points().length) return null;
    const next = outer();
    if (!followed || !(far(...followed) * FURTHER >= far(...next))) followed = next;
    return followed;
  }

  /** What was dragged. @returns {(Place | null)[]} */
  function dragged() {
    const given = view.get("path");
    return LETTERS.map((_, i) => {
      const at = Array.isArray(given) ? given[i] : null;
      return Array.isArray(at) && at.length === 2 && at.every(Number.isFinite)
        ? /** @type {Place} */ (at)
        : null;
    });
  }

  /** @returns {[Place, Place]} */
  function ends() {
    const own = dragged();
    const images = followedImages();
    return /** @type {[Place, Place]} */ (own.map((at, i) => at ?? (images ? placeOf(images[i]) : [i, 0])));
  }

  /** @param {number} k @returns {Place} */
  function at(k) {
    const [a, b] = ends();
    const t = k / (IMAGES - 1);
    return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
  }

  const painter = createPainter(row, () => {
    const begun = performance.now();
    while (done < IMAGES && performance.now() - begun < BUDGET_MS) {
      const z = plane.zAt(at(done));
      const image = z && plane.decoder.image(z);
      if (!image) return false;
      images[done] = image;
      bitmaps[done].draw(image, plane.items(), fade);
      done++;
    }
    return done < IMAGES;
  });

  const handles = createHandles(plane.stage.wrap, {
    ...plane.stage,
    onDrag(i, place) {
      const next = dragged();
      next[i] = place;
      view.set("path", next);
      refresh();
    },
    onReset(i) {
      const next = dragged();
      next[i] = null;
      view.set("path", next.some(Boolean) ? next : null);
      refresh();
    },
  });
  plane.stage.keepClear(() => {
    if (!possible()) return [];
    const half = HANDLE_EM * shell.theme.fontSize();
    return ends().map((place) => {
      const [x, y] = plane.stage.toScreen(place);
      return { x, y, half, high: half };
    });
  });

  const possible = () => plane.decoder.local && plane.points().length > 0 && plane.zAt([0, 0]) !== null;

  function refresh() {
    const on = possible();
    show(el, on);
    const own = dragged();
    follow.update({ text: "reset A and B", hidden: !own.some(Boolean) });
    const both = ends();
    const marks = both.map((place, i) => ({
      at: place,
      text: LETTERS[i],
      label: `end ${LETTERS[i]} of the path`,
      title: own[i] ? "double click or Delete: follow its class again" : "drag it",
      value: formatVector(Float32Array.from(place)),
    }));
    handles.update(marks, on);
    if (!on) return;
    const now = JSON.stringify([both, both.map((place) => Array.from(plane.zAt(place) ?? []))]);
    if (now === drawn && program === plane.decoder.program) return;
    drawn = now;
    fade = program !== plane.decoder.program;
    program = plane.decoder.program;
    done = 0;
    row.setAttribute(
      "aria-label",
      `${IMAGES} images decoded from A, ${marks[0].value}, to B, ${marks[1].value}`,
    );
    painter.request();
  }

  plane.follow(() => handles.place());
  const unfollow = shell.theme.onChange(() => {
    handles.place();
    for (const bitmap of bitmaps) bitmap.redraw();
  });

  return {
    update: refresh,
    /** Another run: other classes may be far apart. */
    reset() {
      followed = null;
    },
    handle: {
      /** The two ends, on the plane. */
      path: () => ends(),
      /** Numbers of the images that the ends follow, where nobody dragged them. */
      pathImages: () => dragged().map((at, i) => (at ? null : (followedImages()?.[i] ?? null))),
      /** The images on the way: z and bytes of each; null while they are being decoded. */
      way: () =>
        done < IMAGES ? null : images.map((image, k) => ({ z: Array.from(plane.zAt(at(k)) ?? []), image })),
    },
    destroy() {
      unfollow();
      follow.destroy();
      handles.destroy();
      painter.destroy();
    },
  };
}
