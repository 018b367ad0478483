/**
 * The saved page in a frame of somebody else's output (publish/frame.py): it says how tall it is, and is told whether it
 * stands on a dark ground.
 */
const root = document.documentElement;

/** Whether the page was made for a frame. */
export const isFramed = root.hasAttribute("data-vw-frame");

/** Whether all widgets are drawn, or what went wrong is said: only then is the page as tall as it will be. */
const isDrawn = () => /** @type {any} */ (root).vaewidgets?.ready || document.querySelector(".vw-page-fault");

/** A frame that is off the screen is given no animation frames, and no news of its size. */
const LOOK_MS = 1000;

/** Tell the page around this one the height at each change, and take its ground. */
export function listenToHost() {
  let told = 0;
  const tell = () => {
    const height = document.body.offsetHeight;
    if (height === told || !isDrawn()) return;
    told = height;
    parent.postMessage({ vaewidgetsHeight: height }, "*");
  };
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const setTheme = (/** @type {boolean} */ dark) => {
    root.dataset.vwTheme = dark ? "dark" : "light";
  };
  setTheme(scheme.matches);
  addEventListener("message", ({ source, data }) => {
    if (source === parent && typeof data?.vaewidgetsDark === "boolean") setTheme(data.vaewidgetsDark);
  });
  new ResizeObserver(tell).observe(document.body);
  setInterval(tell, LOOK_MS);
}
