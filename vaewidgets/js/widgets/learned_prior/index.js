/**
 * LearnedPrior: the aggregate posterior against N(0, I), its holes, and a prior that is fitted to the codes in the page.
 *
 * Handle: see host/widget.js; and
 *   holes              as widgets/learned_prior/codes.js gives them, or null
 *   shares             of the samples in holes: {normal, learned}, null where there are none
 *   logLikelihood      of held-out codes, at the start of the fit and after each step; null without one
 *   steps              that the shown fit has made
 *   pending            whether a fit is under way
 *   draws(name)        the z of the samples shown of "normal" or "learned"
 *   image(name, i)     bytes of a decoded sample, or null
 *   left               how many images are still to be decoded
 * Controls: .vw-fit, .vw-components, .vw-new-draw, .vw-class, .vw-show.
 */
import { toInt32 } from "../../contract/bytes.js";
import { itemsOf } from "../../draw/items.js";
import { createSheet } from "../../draw/sheet.js";
import { createPress, createRange, createSegments } from "../../host/controls.js";
import { h, setText, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { steady, union } from "../../maths/camera.js";
import { readLatent, viewPlane } from "../../maths/plane.js";
import { extent2d } from "../../maths/statistics.js";
import { wholeWithin } from "../../maths/whole.js";
import { createClassChoice } from "../../panels/class_choice.js";
import { createDecoding } from "../../panels/decoding.js";
import { createLatentMap } from "../../panels/latent_map.js";
import { createFitting, STEPS } from "./fitting.js";
import help from "./help.json" with { type: "json" };
import { createLikelihoodPlot } from "./likelihood_plot.js";
import { canShade, createHoleShading, drawSamples } from "./map.js";
import { MOST_COMPONENTS } from "./mixture.js";
import { ellipsesOf, seenOn } from "./seen.js";
import { factsOf, inHolesText, WHY } from "./words.js";

/** @typedef {"normal" | "learned"} Name */
/** @type {Name[]} */
const NAMES = ["normal", "learned"];
/** What of N(0, I) is always in sight. */
const REACH = 2.6;
const TITLES = { normal: "N(0, I)", learned: "learned prior" };

export default defineWidget({
  name: "learned-prior",
  label: "Learned prior",
  help,
  build({ shell, commands, view }) {
    const knobs = h("div", "vw-knobs");
    const mapEl = h("div", "vw-prior-map");
    const plotEl = h("div");
    const facts = h("ul", "vw-prior-facts");
    const note = h("p", "vw-note vw-reason", { hidden: true });
    const rowsEl = h("div", "vw-prior-rows");
    const side = h("div", "vw-prior-side", {}, [plotEl, facts]);
    const above = h("div", "vw-prior-above", {}, [mapEl, side]);
    shell.body.append(knobs, above, rowsEl, note, h("p", "vw-note vw-prior-why", { text: WHY }));

    let state = /** @type {import("../../host/widget.js").State | null} */ (null);
    let latent = /** @type {import("../../maths/plane.js").Latent | null} */ (null);
    let source = /** @type {any} */ (null);
    /**
     * Codes on the map, and what they were seen from.
     * @type {{codes: any, latent: any, points: Float32Array, classes: Int32Array | null}}
     */
    let seen = { codes: null, latent: null, points: new Float32Array(0), classes: null };
    let labels = /** @type {{source: any, all: Int32Array | null}} */ ({ source: null, all: null });
    let marked = /** @type {{name: Name, index: number} | null} */ (null);
    let decodedFor = "";

    const fitting = createFitting(shell.body, () => {
      // What was watched to its end is what is asked for from now on, in every view.
      if (!fitting.pending) view.set("steps", fitting.steps);
      draw();
    });
    const asked = () => ({
      steps: wholeWithin(view.get("steps"), 0, STEPS, 0),
      components: wholeWithin(view.get("components"), 1, MOST_COMPONENTS, 20),
      seed: view.get("seed", 0),
    });
    const samples = () => state?.options.samples ?? 10;

    const fit = createPress(knobs, {
      name: "fit",
      main: true,
      onPress() {
        if (fitting.running) view.set("steps", fitting.stop());
        else {
          view.set("show", null);
          fitting.watch();
        }
        draw();
      },
    });
    const components = createRange(knobs, {
      name: "components",
      label: "Gaussians",
      min: 1,
      max: MOST_COMPONENTS,
      step: 1,
      describe: String,
      onChange: (value) => view.set("components", value),
    });
    const fresh = createPress(knobs, {
      name: "new-draw",
      text: "new samples",
      title: "sample z again, from the same ε for both priors",
      onPress: () => view.set("seed", (asked().seed + 1) % 2 ** 31),
    });
    const classChoice = createClassChoice(knobs, view);
    const map = createLatentMap(mapEl, { theme: shell.theme, label: "", onDrag() {} });
    const shading = createHoleShading();
    let sight = /** @type {import("../../maths/camera.js").Extent | null} */ (null);
    const which = createSegments(mapEl, {
      name: "show",
      label: "samples on the map",
      choices: NAMES.map((value) => ({ value, text: `samples of ${TITLES[value]}` })),
      onChange: (value) => view.set("show", value),
    });
    const plot = createLikelihoodPlot(plotEl, { theme: shell.theme });
    const rows = NAMES.map((name) => {
      const title = h("div", "vw-title", {}, [h("b", "", { text: TITLES[name] }), h("span")]);
      const el = h("div", "", {}, [title]);
      rowsEl.append(el);
      const sheet = createSheet(el, {
        theme: shell.theme,
        name: `prior-${name}`,
        most: 96,
        onMark(index) {
          marked = index === null ? null : { name, index };
          const z = index === null ? null : pointOf(name, index);
          if (z) view.set("hover", Array.from(z));
          draw();
        },
      });
      return { name, says: /** @type {Element} */ (title.lastChild), sheet };
    });
    const { many, refresh } = createDecoding(note, {
      ask: (z) => commands.decode(z),
      onImage(key, bytes, _, fade) {
        const [name, i] = key.split(" ");
        rows.find((row) => row.name === name)?.sheet.set(Number(i), bytes, fade);
      },
      start() {
        // In turns, so that both rows fill.
        const jobs = Array.from({ length: samples() }, (_, i) =>
          NAMES.flatMap((name) => {
            const z = pointOf(name, i);
            return z ? [{ key: `${name} ${i}`, z }] : [];
          }),
        );
        many.start(jobs.flat());
      },
    });

    /** The z of a sample. @param {Name} name @param {number} i */
    function pointOf(name, i) {
      const { d } = fitting.codes ?? { d: 0 };
      const z = fitting.draws[name]?.z;
      return z ? Float32Array.from(z.subarray(i * d, (i + 1) * d)) : null;
    }

    /** @param {string[]} said */
    function say(said) {
      while (facts.children.length > said.length) facts.lastChild?.remove();
      said.forEach((sentence, i) => {
        if (!facts.children[i]) facts.append(h("li"));
        setText(facts.children[i], sentence);
      });
    }

    /** @param {import("../../maths/plane.js").Latent} space */
    function drawMap(space) {
      const { codes, draws, fit: fitted } = fitting;
      if (!codes) return;
      const plane = viewPlane(space);
      if (seen.codes !== codes || seen.latent !== space) {
        const { all } = labels;
        const classes = all && Int32Array.from(codes.images, (i) => all[i]);
        seen = { codes, latent: space, points: seenOn(plane, codes.mu, codes.d), classes };
        shading.update(codes, fitting.holes);
      }
      const name = marked?.name ?? view.get("show", null) ?? (fitted ? "learned" : "normal");
      const shown = /** @type {Name} */ (draws[/** @type {Name} */ (name)] ? name : "normal");
      const some = draws[shown];
      const center = plane.toPlane(new Float32Array(codes.d));
      const [x, y] = center;
      const room = { x0: x - REACH, x1: x + REACH, y0: y - REACH, y1: y + REACH };
      sight = steady(sight, union(extent2d(seen.points) ?? room, room));
      const over = {
        draws: some ? seenOn(plane, some.z, codes.d) : new Float32Array(0),
        inHole: some?.inHole ?? null,
        marked: marked?.name === shown ? marked.index : null,
        ellipses: fitted && ellipsesOf(plane, fitted.mixture),
      };
      map.update({
        points: seen.points,
        labels: seen.classes,
        classNames: state?.frame.run.class_names ?? null,
        axes: plane.axes,
        prior: { center, radii: [1, 2] },
        path: [],
        handles: [],
        extent: sight,
        under: shading.draw,
        over: (pen) => drawSamples(pen, over),
        says: `Codes of ${codes.n} images, and samples of ${TITLES[shown]}; crosses: in holes.`,
      });
      which.update({ value: shown });
      which.el.style.visibility = fitted ? "visible" : "hidden"; // its room stays
    }

    function draw() {
      if (!state || !latent) return;
      const { codes, holes, draws, fit: fitted } = fitting;
      const { run } = state.frame;
      const { running, steps } = fitting;
      fit.update({
        text: running ? "stop" : steps ? "fit again" : "fit",
        title: running ? "stop the fit here" : "fit a mixture of Gaussians to the codes",
        disabled: !codes,
      });
      components.update({ value: asked().components });
      show(above, codes !== null);
      if (!codes || !holes) {
        say([]);
        return;
      }
      drawMap(latent);
      const reached = fitted?.logLikelihood ?? [];
      const normal = fitted?.normal ?? fitting.normalLikelihood;
      plot.update({ reached, normal, steps: STEPS }, `${steps} steps of EM`);
      say(factsOf(holes, draws, fitted, codes.n));
      const items = itemsOf(run);
      for (const { name, says, sheet } of rows) {
        const one = draws[name];
        setText(says, one ? inHolesText(holes, one.share) : ": not fitted yet");
        sheet.update({
          count: samples(),
          items,
          label: `${samples()} images decoded from ${TITLES[name]}. Arrow keys go from one to the next.`,
        });
      }
      const known = many.setDecoder(state.decoder);
      const told = many.setLabel(classChoice.update(many.classes, run));
      const key = JSON.stringify([
        asked().seed,
        codes.d,
        samples(),
        steps,
        fitted !== null,
        state.decoder?.step,
      ]);
      const other = key !== decodedFor;
      // Images that come slower than the steps of a fit are not begun anew with each one.
      refresh(told || (other && (many.left === 0 || !running)), known);
      if (many.left === 0 || !running) decodedFor = key;
    }

    return {
      update(next) {
        state = next;
        const data = next.frame.latent;
        if (data && data !== source) {
          source = data;
          latent = readLatent(data);
        }
        const posteriors = next.get("posteriors");
        const packed = next.get("sample_labels");
        if (packed !== labels.source) labels = { source: packed, all: packed && toInt32(packed) };
        if (posteriors && latent?.d === posteriors.mu.shape[1]) fitting.update(posteriors, asked());
        draw();
      },
      message: (content, buffers) => many.reply(content, buffers),
      caption: ({ frame }) =>
        frame.latent && canShade(frame.latent.mean.shape[0])
          ? "Dots: codes of images. Shaded: holes, where the prior expects codes and hardly any are; crosses: its samples there."
          : "Dots: codes of images. Crosses: samples of the prior in holes, where there are hardly any codes.",
      handle: {
        get holes() {
          return fitting.holes;
        },
        get shares() {
          const { normal, learned } = fitting.draws;
          return { normal: normal?.share ?? null, learned: learned?.share ?? null };
        },
        get logLikelihood() {
          return fitting.fit ? [...fitting.fit.logLikelihood] : null;
        },
        get steps() {
          return fitting.steps;
        },
        get pending() {
          return fitting.pending;
        },
        draws: (/** @type {Name} */ name) =>
          Array.from({ length: samples() }, (_, i) => Array.from(pointOf(name, i) ?? [])),
        image: (/** @type {Name} */ name, /** @type {number} */ i) =>
          rows.find((row) => row.name === name)?.sheet.image(i) ?? null,
        get left() {
          return many.left;
        },
      },
      destroy() {
        fitting.destroy();
        many.destroy();
        for (const { sheet } of rows) sheet.destroy();
        for (const part of [fit, components, fresh, classChoice, map, which, plot]) part.destroy();
      },
    };
  },
});
