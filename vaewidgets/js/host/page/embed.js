/**
 * Widgets in a page of somebody else's, such as a documentation site: each is drawn where an element says
 * `data-vw-widget`, its number in the content. Nothing else of the page is touched.
 */
import { createContent } from "./content.js";
import { drawPage, showFault } from "./draw.js";
import "./embed.css";

const places = [...document.querySelectorAll("[data-vw-widget]")].map((el) => ({
  el: /** @type {HTMLElement} */ (el),
  widget: Number(/** @type {HTMLElement} */ (el).dataset.vwWidget),
}));

drawPage(createContent(document), places).catch((error) => {
  for (const { el } of places) showFault(el, error);
});
