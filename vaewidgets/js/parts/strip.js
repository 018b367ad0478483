/**
 * The way between two places of the latent plane, decoded: A and B stand on the scatter and can be dragged, the images
 * follow. View key `path`: [[u, v], [u, v]] on the plane; null: between the centers of two classes far apart.
 *
 * For tests: .vw-map-handle (A and B), .vw-way canvas; handle: path() and way().
 *
 * @typedef {ReturnType<typeof import("./latent.js").createLatentView>["plane"]} Plane
 * @typedef {[number, number]} Place
 */
import { formatVector } from "../lib/axes.js";
import { h, show } from "../lib/dom.js";
import { createHandles } from "../lib/handles.js";
import { createBitmap } from "../lib/images.js";
import { createPainter } from "../lib/painter.js";

const IMAGES = 9;
/** Of each frame, so that a slow decoder does not hold up the page. */
const BUDGET_MS = 8;
const BEYOND = 0.2;
const LETTERS = ["A", "B"];

/**
 * @param {HTMLElement} el
 * @param {import("./base.js").Context} context
 * @param {Plane} plane
 */
export function createStrip(el, { shell, view }, plane) {
  const bitmaps = Array.from({ length: IMAGES }, () => createBitmap("vw-way-image"));
  const row = h("div", "vw-way", { role: "img" }, [
    h("span", "vw-way-end", { text: "A" }),
    ...bitmaps.map(({ canvas }) => canvas),
    h("span", "vw-way-end", { text: "B" }),
  ]);
  for (const { canvas } of bitmaps) canvas.setAttribute("aria-hidden", "true");
  const title = h("div", "vw-title", { text: "decoded on the way from A to B; drag them on the map" });
  el.append(title, row);

  /** @type {Uint8Array[]} */
  const images = [];
  let done = IMAGES;
  /** What the images were decoded from. */
  let drawn = "";
  let program = /** @type {unknown} */ (null);
  /** @type {[Place, Place] | null} */
  let standing = null;

  /** Two classes far apart, so that there is something to see. @returns {[Place, Place]} */
  function suggested() {
    const centers = [...plane.centers().values()];
    const far = (/** @type {Place} */ a, /** @type {Place} */ b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
    let best = /** @type {[Place, Place]} */ ([
      [-1, 0],
      [1, 0],
    ]);
    let most = 0;
    for (const a of centers.slice(0, 40)) {
      for (const b of centers.slice(0, 40)) {
        if (far(a, b) > most) [most, best] = [far(a, b), [a, b]];
      }
    }
    // A little beyond, so that A and B do not hide the names of their classes.
    const [a, b] = best;
    const beyond = (/** @type {Place} */ p, /** @type {Place} */ q) =>
      /** @type {Place} */ ([p[0] + BEYOND * (p[0] - q[0]), p[1] + BEYOND * (p[1] - q[1])]);
    return [beyond(a, b), beyond(b, a)];
  }

  /** @returns {[Place, Place]} */
  function ends() {
    const given = view.get("path");
    const isPlace = (/** @type {any} */ at) =>
      Array.isArray(at) && at.length === 2 && at.every(Number.isFinite);
    if (Array.isArray(given) && given.length === 2 && given.every(isPlace)) return /** @type {any} */ (given);
    // While it trains the classes wander: A and B stay where they were put first.
    standing ??= plane.centers().size ? suggested() : null;
    return standing ?? suggested();
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
      bitmaps[done].draw(image, plane.shape());
      done++;
    }
    return done < IMAGES;
  });

  const handles = createHandles(plane.stage.wrap, {
    ...plane.stage,
    onDrag(i, place) {
      const next = /** @type {[Place, Place]} */ ([...ends()]);
      next[i] = place;
      view.set("path", next);
      refresh();
    },
  });

  function refresh() {
    const possible = plane.decoder.local && plane.zAt([0, 0]) !== null;
    show(el, possible);
    const both = ends();
    const marks = both.map((place, i) => ({
      at: place,
      text: LETTERS[i],
      label: `end ${LETTERS[i]} of the path`,
      value: formatVector(Float32Array.from(place)),
    }));
    handles.update(marks, possible);
    if (!possible) return;
    const now = JSON.stringify([both, both.map((place) => Array.from(plane.zAt(place) ?? []))]);
    if (now === drawn && program === plane.decoder.program) return;
    drawn = now;
    program = plane.decoder.program;
    done = 0;
    row.setAttribute(
      "aria-label",
      `${IMAGES} images decoded from A, ${marks[0].value}, to B, ${marks[1].value}`,
    );
    painter.request();
  }

  plane.follow(() => handles.place());
  const unfollow = shell.theme.onChange(() => handles.place());

  return {
    update: refresh,
    /** Another run: stand anew. */
    reset() {
      standing = null;
    },
    handle: {
      /** The two ends, on the plane. */
      path: () => ends(),
      /** The images on the way: z and bytes of each; null while they are being decoded. */
      way: () =>
        done < IMAGES ? null : images.map((image, k) => ({ z: Array.from(plane.zAt(at(k)) ?? []), image })),
    },
    destroy() {
      unfollow();
      handles.destroy();
      painter.destroy();
    },
  };
}
