/**
 * LatentScatter: encoded means, coloured by class; hover decodes, a lasso selects.
 * Handle: see base.js; points(), selected(), decoded(), hover, toClient(x, y), fromClient(x, y) from parts.js.
 */
import { h } from "../lib/dom.js";
import { defineWidget } from "./base.js";
import { createLatentView, scatterCaption } from "./parts.js";

export default defineWidget({
  name: "latent-scatter",
  label: "Latent space",
  build({ shell, link }) {
    const left = h("div", "vw-stage");
    const images = h("div", "vw-images");
    const right = h("div", "vw-part vw-part-images", {}, [images]);
    const stageColumn = h("div", "vw-stage-column", {}, [left]);
    shell.body.append(h("div", "vw-split", {}, [stageColumn, right]));
    const view = createLatentView(left, images, { shell, link });
    return { ...view, caption: ({ frame }) => scatterCaption(frame) };
  },
});
