/**
 * LatentExplorer: the latent space, what it decodes to, a path through it, the curves and the active units, and the
 * controls of the run, on one page. Handle: see host/widget.js, panels/latent/index.js (as LatentScatter), widgets/latent_explorer/strip.js,
 * panels/curves/index.js; code() gives the run's code.
 *
 * Controls: .vw-main-button (train, pause, resume, train more), .vw-step, .vw-stop, .vw-beta and .vw-lr (each with
 * .vw-slider and .vw-number), .vw-speed .vw-select; those of widgets/latent_explorer/new_run.js and widgets/latent_explorer/ghost.js. One that cannot work
 * on this run is hidden.
 */
import { h, show } from "../../host/dom.js";
import { rove } from "../../host/rove.js";
import { defineWidget } from "../../host/widget.js";
import { createCurvesView } from "../../panels/curves/index.js";
import { createLatentView, scatterCaption } from "../../panels/latent/index.js";
import { createUnitsView } from "../../panels/units/index.js";
import { createGhost } from "./ghost.js";
import help from "./help.json" with { type: "json" };
import { createNewRun } from "./new_run.js";
import { createOffer } from "./offer.js";
import { createStrip } from "./strip.js";
import { createToolbar } from "./toolbar.js";

export default defineWidget({
  name: "latent-explorer",
  label: "Latent explorer",
  help,
  build(context) {
    const { shell, commands } = context;
    const bar = h("div", "vw-toolbar", { role: "toolbar", "aria-label": "training" });
    const stage = h("div", "vw-stage");
    const images = h("div", "vw-images");
    const curvesEl = h("div", "vw-part vw-part-curves");
    const barsTitle = h("div", "vw-title");
    barsTitle.append(
      "KL of each latent dimension, nats, ",
      h("span", "vw-diamond", { text: "◆" }),
      " Var(μ)",
    );
    const barsEl = h("div", "vw-part vw-part-bars", {}, [barsTitle]);

    const actions = h("div", "vw-actions");
    // Buttons to the left and to the right of the sliders: one tool bar, two rows at most.
    const controls = h("div", `vw-controls${commands.rests ? " vw-still" : ""}`, {}, [bar, actions]);
    const over = h("div", "vw-over");
    const before = h("div");
    const stripEl = h("div", "vw-part vw-part-way");
    const offer = createOffer(shell.body, context);
    shell.body.append(
      controls,
      over, // a form over the map: nothing moves when it opens
      h("div", "vw-split", {}, [
        h("div", "vw-stage-column", {}, [stage]),
        h("div", "vw-part vw-part-images", {}, [images]),
        stripEl,
        curvesEl,
        barsEl,
      ]),
      before, // the last: nothing moves when a run is started
    );

    const toolbar = createToolbar(bar, commands);
    const newRun = createNewRun(actions, over, context);
    const ghost = createGhost(before, context);
    const latent = createLatentView(stage, images, context);
    const strip = createStrip(stripEl, context, latent.plane);
    const curves = createCurvesView(curvesEl, context);
    const units = createUnitsView(barsEl, context);
    const stops = rove(controls, ".vw-button");

    let known = "";

    return {
      update(state) {
        const { frame } = state;
        toolbar.update(frame.run);
        newRun.update(frame);
        ghost.update(frame);
        latent.update(state);
        if (frame.run.id !== known) strip.reset();
        known = frame.run.id;
        strip.update();
        curves.update(context.view.get("ghost", true) ? frame : { ...frame, ghost: null });
        show(barsEl, Boolean(frame.units));
        units.update(state, latent.time);
      },
      message: latent.message,
      caption: ({ frame }) => scatterCaption(frame),
      // Getters stay getters.
      handle: [latent, strip, units, newRun, curves].reduce(
        (all, { handle }) => Object.defineProperties(all, Object.getOwnPropertyDescriptors(handle)),
        {},
      ),
      destroy() {
        for (const part of [stops, offer, toolbar, newRun, ghost, strip, latent, curves, units])
          part.destroy();
      },
    };
  },
});
