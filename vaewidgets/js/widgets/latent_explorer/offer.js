/**
 * The offer to train in the page, where the widget's state holds what that takes and no kernel answers: a notebook that was
 * opened again, HTML that was made of one.
 *
 * Controls: .vw-train-here.
 */
import { createPress } from "../../host/controls.js";
import { h, setText, show } from "../../host/dom.js";

const PATIENCE_MS = 4000;

/** @param {string} code @returns {Promise<any>} */
function load(code) {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  return import(url).finally(() => URL.revokeObjectURL(url));
}

/**
 * @param {HTMLElement} el
 * @param {import("../../host/widget.js").Context} context
 */
export function createOffer(el, { model, shell }) {
  const wrap = h("div", "vw-offer vw-actions", { hidden: true });
  const said = h("span", "vw-offer-said", { text: "No kernel answers." });
  const press = createPress(wrap, { name: "train-here", text: "train in this page", onPress: start });
  wrap.append(said);
  el.append(wrap);

  async function start() {
    press.update({ disabled: true });
    const place = shell.root.parentElement;
    const { host, ...kept } = model.get("training");
    try {
      const { trainInPlace } = await load(host);
      const tools = await trainInPlace(model, kept); // this widget has been drawn anew by now
      place?.querySelector(".vw-body")?.append(h("div", "vw-offer vw-actions", {}, tools));
    } catch (error) {
      press.update({});
      setText(said, `This page cannot train. ${error instanceof Error ? error.message : error}`);
    }
  }

  const isKept = model.get("training") && !model.get("trains");
  const timer = setTimeout(() => show(wrap, isKept), model.get("offline") ? 0 : PATIENCE_MS);
  const answered = () => {
    clearTimeout(timer);
    show(wrap, false);
  };
  const events = ["change:frame", "change:ack"];
  for (const event of events) model.on(event, answered);
  return {
    destroy() {
      clearTimeout(timer);
      for (const event of events) model.off(event, answered);
    },
  };
}
