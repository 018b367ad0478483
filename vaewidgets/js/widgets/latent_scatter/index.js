/**
 * LatentScatter: encoded means, coloured by class; hover decodes, a lasso selects.
 * Handle: see host/widget.js; points(), selected(), decoded(), hover, toClient(x, y), fromClient(x, y) from panels/latent/index.js.
 */
import { h } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { createLatentView, scatterCaption } from "../../panels/latent/index.js";
import help from "./help.json" with { type: "json" };

export default defineWidget({
  name: "latent-scatter",
  label: "Latent space",
  help,
  build(context) {
    const { shell } = context;
    const left = h("div", "vw-stage");
    const images = h("div", "vw-images");
    const right = h("div", "vw-part vw-part-images", {}, [images]);
    const stageColumn = h("div", "vw-stage-column", {}, [left]);
    shell.body.append(h("div", "vw-split", {}, [stageColumn, right]));
    const latent = createLatentView(left, images, context);
    return { ...latent, caption: ({ frame }) => scatterCaption(frame) };
  },
});
