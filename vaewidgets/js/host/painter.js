/**
 * Draws on the browser's clock, and only what can be seen: many requests before a frame make one drawing,
 * an element off screen or in a hidden tab costs nothing and catches up when it shows.
 */

const page = /** @type {any} */ (globalThis);
const ALL = Symbol.for("vaewidgets.draw.all");

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
 * @returns {{request(): void, destroy(): void, readonly visible: boolean}}
 */
export function createPainter(el, paint) {
  let handle = 0;
  let wanted = false;
  let visible = false;

  const observer = new IntersectionObserver(
    (entries) => {
      visible = entries[entries.length - 1].isIntersecting;
      schedule();
    },
    { rootMargin: "64px" },
  );
  observer.observe(el);

  function schedule() {
    if (handle || !wanted || !(visible || page[ALL])) return;
    handle = requestAnimationFrame(run);
  }

  /** @param {number} now */
  function run(now) {
    handle = 0;
    wanted = false;
    if (paint(now)) wanted = true;
    schedule();
  }

  return {
    request() {
      wanted = true;
      schedule();
    },
    get visible() {
      return visible;
    },
    destroy() {
      observer.disconnect();
      cancelAnimationFrame(handle);
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
