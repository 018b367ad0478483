/**
 * The saved page: draws each widget by its own module, links them, and puts what is turned into the address.
 */
import { h, setText } from "../dom.js";
import { toFragment } from "./address.js";
import { createContent } from "./content.js";
import { drawPage, showFault } from "./draw.js";
import { isFramed, listenToHost } from "./frame.js";
import { createRunFiles } from "./run_files.js";
import "./page.css";

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
    setText(said, await copyLink(fragment()));
    setTimeout(() => setText(said, ""), 4000);
  });
  return [said, button];
}

/** @param {string} fragment @returns {Promise<string>} what came of it, in words */
async function copyLink(fragment) {
  try {
    history.replaceState(null, "", fragment);
  } catch {
    return "this page stands in a frame without an address: open it by itself to link to it";
  }
  try {
    await navigator.clipboard.writeText(location.href);
    return "copied";
  } catch {
    return "copy it from the address bar"; // a browser may forbid the clipboard
  }
}

async function start() {
  document.querySelector(".vw-page-unrun")?.remove();
  if (isFramed) listenToHost();
  const content = createContent(document);
  const main = /** @type {HTMLElement} */ (document.querySelector("main.vw-page"));
  const places = content.read().widgets.map((_, widget) => ({
    el: main.appendChild(h("div", "vw-page-widget")),
    widget,
  }));
  await drawPage(content, places, (view, trainings) => {
    if (trainings.length === 1) {
      const own = h("div", "vw-page-own");
      main.prepend(own);
      trainings[0].offerImages(own);
    }
    const files = trainings.flatMap((one) => createRunFiles(one));
    // The page around a frame says how light it is, and a frame has no address to link to.
    const others = isFramed ? [] : [...createLinkButton(() => toFragment(view())), createThemeSwitch()];
    const tools = [...files, ...others];
    if (tools.length) document.querySelector(".vw-page-head")?.append(h("div", "vw-page-tools", {}, tools));
  });
}

start().catch((error) => showFault(document.body, error));
