/**
 * Draws on the browser's clock, and only what can be seen: many requests before a frame make one drawing,
 * an element off screen or in a hidden tab costs nothing and catches up when it shows. What takes long is drawn over
 * several frames, in the order in which it was asked for: what the reader does is heard in between.
 */

const page = /** @type {any} */ (globalThis);
const ALL = Symbol.for("vaewidgets.draw.all");
/** Of drawing in one frame; what has begun is drawn to its end. */
const MOST_MS = 4;

/** What is to be drawn, the oldest first, by all bundles of the page. @type {Set<(now: number) => void>} */
// biome-ignore lint/suspicious/noAssignInExpressions: one set, whoever comes first
const waiting = (page[Symbol.for("vaewidgets.draw.waiting")] ??= new Set());
let isAsked = false;
let left = false;

/** Whether the last frame had no time for all. */
export const isBehind = () => left;

function schedule() {
  if (!isAsked) requestAnimationFrame(drawWaiting);
  isAsked = true;
}

/** @param {number} now */
function drawWaiting(now) {
  const end = performance.now() + MOST_MS;
  isAsked = left = false;
  try {
    for (const draw of [...waiting]) {
      left = performance.now() > end && !page[ALL];
      if (left) break;
      waiting.delete(draw); // what it asks for waits for the next frame
      draw(now);
    }
  } finally {
    if (waiting.size) schedule(); // one that failed keeps nobody else from being drawn
  }
}

/**
 * Whether what is off screen is drawn too: while a saved page loads, so that nothing jumps when it is scrolled and
 * nothing is missing when it is printed.
 * @param {boolean} on
 */
export function drawAll(on) {
  page[ALL] = on;
}

/**
 * @param {Element} el
 * @param {(now: number) => boolean | void} paint returns true to be called at the next frame too
 * @returns {{request(): void, destroy(): void}}
 */
export function createPainter(el, paint) {
  let wanted = false;
  let visible = false;

  const observer = new IntersectionObserver(
    (entries) => {
      visible = entries[entries.length - 1].isIntersecting;
      wait();
    },
    { rootMargin: "64px" },
  );
  observer.observe(el);

  function wait() {
    if (!wanted || !(visible || page[ALL])) return;
    waiting.add(run);
    schedule();
  }

  /** @param {number} now */
  function run(now) {
    wanted = false;
    if (paint(now)) wanted = true;
    wait();
  }

  return {
    request() {
      wanted = true;
      wait();
    },
    destroy() {
      observer.disconnect();
      waiting.delete(run);
      visible = false;
    },
  };
}

/** Ease in and out. @param {number} t 0…1 */
export function ease(t) {
  return t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2;
}

/** Fast start, soft landing: a new target every 100 ms then still looks like one motion. @param {number} t 0…1 */
export function easeOut(t) {
  return 1 - (1 - t) ** 3;
}
