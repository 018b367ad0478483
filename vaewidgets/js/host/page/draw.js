/**
 * Widgets drawn at their places of a page without a kernel, and linked; what is turned can stand in the address.
 *
 * Handle for tests, as the property `vaewidgets` of the document's root element (read-only):
 *   ready   true once every widget has drawn or said why it cannot
 *   view    what is turned on the whole page, as it stands in the address
 *   kept    of each run that it trains: the step up to which a reload loses nothing, or null
 */
import { h } from "../dom.js";
import { drawAll } from "../painter.js";
import { leaveOutLinked, readPage, restorePage } from "../view.js";
import { fromFragment } from "./address.js";
import { createModel } from "./model.js";
import { createTraining } from "./training.js";

/**
 * @typedef {import("../view.js").PageView} PageView
 * @typedef {{el: HTMLElement, widget: number}} Place  widget: its number in the page's content
 */

/** Show a fault in the page: a console message is a message to nobody. @param {HTMLElement} el @param {unknown} error */
export function showFault(el, error) {
  const text = error instanceof Error ? error.message : String(error);
  el.append(h("p", "vw-page-fault", { role: "alert", text: `This widget could not be shown. ${text}` }));
}

/**
 * @param {ReturnType<typeof import("./content.js").createContent>} content
 * @param {Place[]} places a widget may have several
 * @param {(view: () => PageView, trainings: ReturnType<typeof createTraining>[]) => void} [before] called before anything
 *   is drawn
 */
export async function drawPage(content, places, before = () => {}) {
  const { widgets, trainings: trained = [] } = content.read();
  const models = await Promise.all(widgets.map(async (saved) => createModel(await content.state(saved))));

  const trainings = await Promise.all(
    trained.map(async (one) => {
      const shown = models.filter((model) => model.get("frame")?.run?.id === one.run);
      return createTraining(content, { ...one, state: await content.json(one.state) }, shown);
    }),
  );
  await Promise.all(trainings.map((one) => one.fillOriginals()));
  await Promise.all(trainings.map((one) => one.restore()));

  const restore = () => {
    const view = fromFragment(location.hash);
    if (view) restorePage(models, view);
  };
  const view = () => readPage(models);
  restore(); // before anything is drawn
  addEventListener("hashchange", restore);
  before(view, trainings);

  let ready = false;
  Object.defineProperty(document.documentElement, "vaewidgets", {
    value: Object.defineProperties(
      {},
      {
        ready: { get: () => ready, enumerable: true },
        view: { get: view, enumerable: true },
        kept: { get: () => trainings.map(({ keptStep }) => keptStep), enumerable: true },
      },
    ),
  });
  drawAll(true);
  for (const { el, widget } of places) {
    const draw = async () => {
      const { default: module } = await content.module(widgets[widget].module);
      el.replaceChildren(); // the picture that stood there
      await module.render({ model: models[widget], el });
    };
    try {
      await draw().catch((error) => {
        if (!leaveOutLinked(models[widget])) throw error;
        return draw(); // without the junk of the address
      });
    } catch (error) {
      showFault(el, error);
    }
  }
  // A frame for the widgets, one for their parts, one for what these make in turn.
  for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame);
  drawAll(false);
  ready = true;
}
