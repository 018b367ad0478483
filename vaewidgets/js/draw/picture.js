/**
 * A canvas that fills an element and is drawn again at a new size, in another theme and on request, once for each frame.
 *
 * @typedef {import("./pen.js").Pen} Pen
 */
import { createCanvas, OWN_KEYS, setAttributes } from "../host/dom.js";
import { createPainter } from "../host/painter.js";

/**
 * @param {HTMLElement} wrap
 * @param {{theme: import("../host/theme.js").Theme, className: string, label?: string, role?: string,
 *   arrange?: () => void, paint: (pen: Pen, now: number) => boolean | void}} opts
 *   role: what it is called where it takes keys; arrange: called before the canvas takes its size; paint: returns true
 *   to be called at the next frame too
 */
export function createPicture(wrap, { theme, className, label = "", role, arrange = () => {}, paint }) {
  const surface = createCanvas(className);
  const { canvas, context } = surface;
  setAttributes(canvas, {
    "aria-label": label,
    ...(role
      ? { role: "application", tabindex: 0, "aria-roledescription": role, ...OWN_KEYS }
      : { role: "img" }),
  });
  wrap.append(canvas);
  const painter = createPainter(wrap, (now) => {
    arrange();
    surface.resize();
    surface.clear();
    const { width, height, ratio } = surface;
    return width ? paint({ context, theme, size: theme.fontSize(), width, height, ratio }, now) : false;
  });
  const observer = new ResizeObserver(painter.request);
  observer.observe(wrap);
  const unfollow = theme.onChange(painter.request);
  return {
    canvas,
    request: painter.request,
    /** What a screen reader hears of it. @param {string} text */
    describe: (text) => setAttributes(canvas, { "aria-label": text }),
    destroy() {
      observer.disconnect();
      unfollow();
      painter.destroy();
      canvas.remove();
    },
  };
}
