/**
 * The saved page: draws each widget by its own module, links them, and puts what is turned into the address.
 *
 * Handle for tests, as the property `vaewidgets` of the document's root element (read-only):
 *   ready   true once every widget has drawn or said why it cannot
 *   view    what is turned on the whole page, as it stands in the address
 */
import { h, setText } from "../lib/dom.js";
import { drawAll } from "../lib/painter.js";
import { readPage, restorePage } from "../lib/view.js";
import { fromFragment, toFragment } from "./address.js";
import { createContent } from "./content.js";
import { createModel } from "./model.js";
import "./page.css";

/** @typedef {ReturnType<typeof createModel>} PageModel */

const root = document.documentElement;

/** A button that turns the theme, which else follows the system. */
function createThemeSwitch() {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  /** @type {"light"|"dark"|null} */
  let chosen = null;
  const button = h("button", "vw-page-button", { type: "button" });
  function refresh() {
    const now = chosen ?? (scheme.matches ? "dark" : "light");
    if (root.dataset.vwTheme !== now) root.dataset.vwTheme = now;
    setText(button, now === "dark" ? "light" : "dark");
    button.setAttribute("aria-label", `${now === "dark" ? "light" : "dark"} theme`);
  }
  button.addEventListener("click", () => {
    chosen = root.dataset.vwTheme === "dark" ? "light" : "dark";
    refresh();
  });
  scheme.addEventListener("change", refresh);
  refresh();
  return button;
}

/** A button that puts the view into the address and copies it. @param {() => string} fragment */
function createLinkButton(fragment) {
  const button = h("button", "vw-page-button", { type: "button", text: "copy link to this view" });
  const said = h("span", "vw-page-said", { role: "status" });
  button.addEventListener("click", async () => {
    history.replaceState(null, "", fragment());
    let text = "copied";
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      text = "the address bar has it"; // a browser may forbid the clipboard
    }
    setText(said, text);
    setTimeout(() => setText(said, ""), 4000);
  });
  return [said, button];
}

/** Show a fault in the page: a console message is a message to nobody. @param {HTMLElement} el @param {unknown} error */
function showFault(el, error) {
  const text = error instanceof Error ? error.message : String(error);
  el.append(h("p", "vw-page-fault", { role: "alert", text: `This widget could not be shown. ${text}` }));
}

async function start() {
  const content = createContent(document);
  const main = /** @type {HTMLElement} */ (document.querySelector("main.vw-page"));
  const { widgets } = content.read();
  const places = widgets.map(() => main.appendChild(h("div", "vw-page-widget")));
  const models = await Promise.all(widgets.map(async (saved) => createModel(await content.state(saved))));

  const restore = () => {
    const view = fromFragment(location.hash);
    if (view) restorePage(models, view);
  };
  const view = () => readPage(models);
  restore(); // before anything is drawn
  addEventListener("hashchange", restore);
  const tools = h("div", "vw-page-tools", {}, [
    ...createLinkButton(() => toFragment(view())),
    createThemeSwitch(),
  ]);
  document.querySelector(".vw-page-head")?.append(tools);

  let ready = false;
  Object.defineProperty(root, "vaewidgets", {
    value: Object.defineProperties(
      {},
      { ready: { get: () => ready, enumerable: true }, view: { get: view, enumerable: true } },
    ),
  });
  drawAll(true);
  for (const [i, model] of models.entries()) {
    try {
      const { default: widget } = await content.module(widgets[i].module);
      await widget.render({ model, el: places[i] });
    } catch (error) {
      showFault(places[i], error);
    }
  }
  // A frame for the widgets, one for their parts, one for what these make in turn.
  for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame);
  drawAll(false);
  ready = true;
}

start().catch((error) => showFault(document.body, error));
