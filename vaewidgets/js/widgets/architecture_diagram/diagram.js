/**
 * A model as a picture: image, encoder, latent, decoder, image, and the loss below, with what flows on its edges.
 *
 * @typedef {import("./training_walk.js").Walked} Walked
 * @typedef {import("./training_walk.js").Step} Step
 * @typedef {import("./training_walk.js").LayerRow} LayerRow
 */

import { unpack } from "../../contract/bytes.js";
import { createTile } from "../../draw/images.js";
import { itemsOf } from "../../draw/items.js";
import { h, setAttributes } from "../../host/dom.js";
import { formatCount, formatFixed, formatLoss, formatSetting } from "../../maths/format.js";
import { svg } from "./svg.js";
import { shapeText } from "./training_walk.js";

const WIDTH = 1000;
const HEIGHT = 430;
const MIDDLE = 165;
const IMAGE = 88;
/** Of a tile for each unit of the picture. */
const PIXELS = 4;
const ENCODER = [128, 352];
const DECODER = [622, 846];
const HEAD_X = 412;
const Z_X = 530;
const LOSS_Y = 376;
const LAYER = 26;

/** "(0.12, −0.30, …)" @param {number[]|undefined} values @param {number} dims */
function vectorText(values, dims) {
  if (!values) return "";
  const shown = values.slice(0, 2).map((value) => formatFixed(Math.round(value * 100) / 100 || 0, 2));
  return dims > 2 ? `(${shown.join(", ")}, …)` : dims === 1 ? shown[0] : `(${shown.join(", ")})`;
}

/** Where the first bar of a half begins and the last one ends. @param {number[]} zone @param {number} count */
function endsOf([from, to], count) {
  const step = (to - from) / Math.max(count, 1);
  return count
    ? [from + step / 2 - LAYER / 2, to - step / 2 + LAYER / 2]
    : [(from + to) / 2, (from + to) / 2];
}

/** In units of the picture. @param {SVGElement} node */
const boxIn = (node) => /** @type {SVGGraphicsElement} */ (node).getBBox();

/** @param {number[]} shape */
const units = (shape) => shape.reduce((a, b) => a * b, 1);

/**
 * @param {HTMLElement} el
 * @param {import("../../host/theme.js").Theme} theme
 */
export function createArchitecture(el, theme) {
  const picture = svg("svg", "vw-arch", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const wrap = h("div", "vw-arch-wrap", { role: "group", "aria-label": "picture of the model" });
  wrap.append(picture);
  el.append(wrap);
  /** @type {Walked | null} */
  let drawn = null;
  /** The step whose parts are in view. @type {{name: string, parts: string[]}} */
  let followed = { name: "", parts: [] };
  const observer = new ResizeObserver(() => {
    // What can be scrolled can be reached by keys.
    setAttributes(wrap, { tabindex: wrap.scrollWidth > wrap.clientWidth ? 0 : -1 });
    follow(false);
  });
  observer.observe(wrap);
  /** Draw an item anew: bars and lines have the theme's colors. @type {(() => void)[]} */
  let painted = [];
  const unfollow = theme.onChange(() => {
    for (const paint of painted) paint();
  });
  /** Lit by name. @type {Map<string, SVGElement[]>} */
  let parts = new Map();
  /** By "from>to", the way that the data go. @type {Map<string, SVGElement>} */
  let edges = new Map();

  /** @param {string} name @param {SVGElement} node */
  function part(name, node) {
    node.classList.add("vw-arch-part");
    node.dataset.part = name;
    parts.set(name, [...(parts.get(name) ?? []), node]);
    picture.append(node);
    return node;
  }

  /** @param {string} name "from>to" @param {string} path @param {[number, number, number]} arrow x, y, degrees */
  function edge(name, path, [x, y, angle]) {
    const group = svg("g", "vw-arch-edge", { "data-edge": name }, [
      svg("path", "vw-arch-line", { d: path }),
      svg("path", "vw-arch-flow", { d: path }),
      svg("path", "vw-arch-arrow", {
        d: "M-6,-5L6,0L-6,5Z",
        transform: `translate(${x} ${y}) rotate(${angle})`,
      }),
    ]);
    edges.set(name, group);
    picture.append(group);
  }

  /** @param {number} x @param {number} y @param {string} text @param {string} [className] @param {string} [anchor] */
  const label = (x, y, text, className = "", anchor = "middle") =>
    svg("text", `vw-arch-text ${className}`, { x, y, "text-anchor": anchor, text });

  /** @param {Walked} of @param {"x"|"x_hat"} name @param {number} x */
  function image(of, name, x) {
    const tile = createTile("", theme);
    const packed = of.images[name];
    const shape = /** @type {[number, number, number]} */ (packed.shape);
    const items = itemsOf({ image_shape: shape, items: of.items });
    const ratio = items.wide / items.high;
    const [wide, tall] = ratio > 1 ? [IMAGE, IMAGE / ratio] : [IMAGE * ratio, IMAGE];
    const node = svg("image", "vw-arch-image", {
      x: x + (IMAGE - wide) / 2,
      y: MIDDLE - tall / 2,
      width: wide,
      height: tall,
      preserveAspectRatio: "none",
    });
    const paint = () => {
      tile.fit(wide, tall, PIXELS);
      node.setAttribute("href", tile.canvas.toDataURL());
    };
    tile.set(unpack(packed), items);
    paint();
    painted.push(paint);
    part(
      name,
      svg("g", "", {}, [
        svg("rect", "vw-arch-frame", { x, y: MIDDLE - IMAGE / 2, width: IMAGE, height: IMAGE }),
        node,
        label(x + IMAGE / 2, MIDDLE - IMAGE / 2 - 12, name === "x" ? "x" : "x̂", "vw-arch-name"),
        label(x + IMAGE / 2, MIDDLE + IMAGE / 2 + 20, shapeText(of.image_shape)),
      ]),
    );
  }

  /** One bar a layer, as tall as it has units. @param {"encoder"|"decoder"} name @param {LayerRow[]} rows @param {number[]} zone @param {number} most */
  function half(name, rows, [from, to], most) {
    const step = (to - from) / Math.max(rows.length, 1);
    const total = rows.reduce((sum, { params }) => sum + params, 0);
    const group = svg("g", "", {}, [
      label((from + to) / 2, 30, name, "vw-arch-name"),
      label((from + to) / 2, 50, `${formatCount(total)} weights`),
    ]);
    const [start, end] = endsOf([from, to], rows.length);
    group.append(svg("path", "vw-arch-line", { d: `M${start},${MIDDLE}H${end}` }));
    rows.forEach((row, i) => {
      const x = from + step * (i + 0.5);
      const tall = 34 + 130 * (Math.log(units(row.out) + 1) / Math.log(most + 1));
      const out = row.out.length > 1 ? shapeText(row.out) : formatCount(units(row.out));
      // shapes of convolutions are long: every second one stands lower where bars are close
      const lower = rows.length > 3 && i % 2 ? 15 : 0;
      const title = `${row.name}: ${shapeText(row.in)} → ${shapeText(row.out)}, ${formatCount(row.params)} weights`;
      group.append(
        svg("g", "vw-arch-layer", {}, [
          svg("title", "", { text: title }),
          svg("rect", "vw-arch-bar", {
            x: x - LAYER / 2,
            y: MIDDLE - tall / 2,
            width: LAYER,
            height: tall,
            rx: 2,
          }),
          label(x, MIDDLE + tall / 2 + 18 + lower, out, row.out.length > 1 ? "vw-arch-small" : ""),
          label(
            x,
            MIDDLE - tall / 2 - 8,
            `|∇| ${formatSetting(Number(row.grad.toPrecision(2)))}`,
            "vw-arch-grad",
          ),
        ]),
      );
    });
    part(name, group);
  }

  /** @param {string} name @param {number} x @param {number} y @param {string} symbol @param {string} values @param {number} side −1 above, 1 below, 0 none */
  function ball(name, x, y, symbol, values, side) {
    const group = svg("g", `vw-arch-ball vw-arch-${name}`, {}, [
      svg("circle", "vw-arch-circle", { cx: x, cy: y, r: 25 }),
      label(x, y + 7, symbol, "vw-arch-symbol"),
    ]);
    if (values) group.append(label(x, y + side * 40 + (side > 0 ? 6 : 0), values));
    part(name, group);
  }

  /** @param {string} name @param {number} x @param {string} title @param {string} value @param {string} unit */
  function term(name, x, title, value, unit) {
    part(
      name,
      svg("g", `vw-arch-term vw-arch-${name}`, {}, [
        label(x, LOSS_Y, title, "vw-arch-symbol"),
        label(x, LOSS_Y + 24, value),
        label(x, LOSS_Y + 40, unit, "vw-arch-small"),
      ]),
    );
  }

  /** @param {Walked} of */
  function build(of) {
    picture.replaceChildren();
    painted = [];
    parts = new Map();
    edges = new Map();
    const variational = of.kind !== "ae";
    const [encoderStart, encoderEnd] = endsOf(ENCODER, of.encoder.length);
    const [decoderStart, decoderEnd] = endsOf(DECODER, of.decoder.length);
    const most = Math.max(...[...of.encoder, ...of.decoder].map(({ out }) => units(out)), 2);
    const [up, down] = [MIDDLE - 68, MIDDLE + 68];
    const r = 27;
    edge("x>encoder", `M${16 + IMAGE},${MIDDLE}H${encoderStart}`, [encoderStart - 8, MIDDLE, 0]);
    if (variational) {
      edge("encoder>mu", `M${encoderEnd},${MIDDLE - 8}L${HEAD_X - r},${up + 8}`, [
        HEAD_X - r - 9,
        up + 17,
        -42,
      ]);
      edge("encoder>sigma", `M${encoderEnd},${MIDDLE + 8}L${HEAD_X - r},${down - 8}`, [
        HEAD_X - r - 9,
        down - 17,
        42,
      ]);
      edge("mu>z", `M${HEAD_X + r},${up + 8}L${Z_X - 20},${MIDDLE - 18}`, [Z_X - 27, MIDDLE - 22, 29]);
      edge("sigma>z", `M${HEAD_X + r},${down - 8}L${Z_X - 20},${MIDDLE + 18}`, [Z_X - 27, MIDDLE + 22, -29]);
      edge(
        "mu>kl",
        `M${HEAD_X - 18},${up + 20}C${HEAD_X - 56},${up + 110} ${HEAD_X - 50},${LOSS_Y - 70} ${HEAD_X - 12},${LOSS_Y - 26}`,
        [HEAD_X - 18, LOSS_Y - 34, 55],
      );
      edge("sigma>kl", `M${HEAD_X},${down + 27}V${LOSS_Y - 26}`, [HEAD_X, LOSS_Y - 32, 90]);
    } else {
      edge("encoder>z", `M${encoderEnd},${MIDDLE}H${Z_X - r}`, [Z_X - r - 8, MIDDLE, 0]);
    }
    edge("z>decoder", `M${Z_X + r},${MIDDLE}H${decoderStart}`, [decoderStart - 8, MIDDLE, 0]);
    edge("decoder>x_hat", `M${decoderEnd},${MIDDLE}H${WIDTH - 16 - IMAGE}`, [
      WIDTH - 16 - IMAGE - 8,
      MIDDLE,
      0,
    ]);
    const reconX = 760;
    const lossX = variational ? 586 : 560;
    const lane = 318;
    edge(
      "x>recon",
      `M60,${MIDDLE + 76}V${lane - 14}Q60,${lane} 74,${lane}H${reconX - 22}Q${reconX - 8},${lane} ${reconX - 8},${lane + 14}V${LOSS_Y - 26}`,
      [reconX - 8, LOSS_Y - 32, 90],
    );
    edge(
      "x_hat>recon",
      `M${WIDTH - 60},${MIDDLE + 76}V${lane - 14}Q${WIDTH - 60},${lane} ${WIDTH - 74},${lane}H${reconX + 22}Q${reconX + 8},${lane} ${reconX + 8},${lane + 14}V${LOSS_Y - 26}`,
      [reconX + 8, LOSS_Y - 32, 90],
    );
    edge("recon>loss", `M${reconX - 48},${LOSS_Y - 5}H${lossX + 46}`, [lossX + 54, LOSS_Y - 5, 180]);
    if (variational)
      edge("kl>loss", `M${HEAD_X + 32},${LOSS_Y - 5}H${lossX - 46}`, [lossX - 54, LOSS_Y - 5, 0]);
    if (of.kind === "reparameterised")
      edge("eps>z", `M${Z_X},${MIDDLE + 101}V${MIDDLE + r + 2}`, [Z_X, MIDDLE + r + 9, -90]);

    image(of, "x", 16);
    half("encoder", of.encoder, ENCODER, most);
    const dims = of.latent_dim;
    if (variational) {
      ball("mu", HEAD_X, up, "μ", vectorText(of.values.mu, dims), -1);
      ball("sigma", HEAD_X, down, "σ", "", 0);
      part("sigma", label(HEAD_X + 10, down + 42, vectorText(of.values.sigma, dims), "", "start"));
    }
    if (of.kind === "reparameterised") {
      ball("eps", Z_X, MIDDLE + 128, "ε", "", 0);
      part("eps", label(Z_X + 34, MIDDLE + 122, `${vectorText(of.values.eps, dims)} ~ N(0, 1)`, "", "start"));
    }
    ball("z", Z_X, MIDDLE, "z", vectorText(of.values.z, dims), -1);
    if (of.kind === "vae") part("z", label(Z_X, MIDDLE + 46, "~ N(μ, σ²)"));
    if (variational) {
      picture.append(
        svg("g", "vw-arch-stop", {}, [
          svg("path", "", {
            d: `M${Z_X - 46},${MIDDLE - 34}l16,16m0,-16l-16,16M${Z_X - 46},${MIDDLE + 18}l16,16m0,-16l-16,16`,
          }),
        ]),
      );
    }
    half("decoder", of.decoder, DECODER, most);
    image(of, "x_hat", WIDTH - 16 - IMAGE);
    term("recon", reconX, "recon", formatLoss(of.recon), of.unit);
    if (variational) {
      term("kl", HEAD_X, "KL", formatLoss(of.kl ?? 0), "nats");
      picture.append(
        label((HEAD_X + lossX) / 2, LOSS_Y - 16, `· β = ${formatSetting(of.beta)}`, "vw-arch-beta"),
      );
    }
    term("loss", lossX, "loss", formatLoss(of.loss), of.unit);
  }

  /** Where the picture is wider than its place: what is lit into the middle. @param {boolean} moving */
  function follow(moving) {
    const boxes = followed.parts.flatMap((name) => parts.get(name) ?? []).map(boxIn);
    if (!boxes.length || wrap.scrollWidth <= wrap.clientWidth) return;
    const from = Math.min(...boxes.map(({ x }) => x));
    const to = Math.max(...boxes.map(({ x, width }) => x + width));
    const left = (((from + to) / 2) * wrap.scrollWidth) / WIDTH - wrap.clientWidth / 2;
    wrap.scrollTo({ left, behavior: moving ? "smooth" : "auto" });
  }

  return {
    /** @param {{of: Walked, step: Step, index: number, seen: Set<string>, moving: boolean}} state seen: parts that were reached already */
    update({ of, step, seen, moving }) {
      if (of !== drawn) {
        build(of);
        drawn = of;
      }
      picture.classList.toggle("is-back", step.back || step.name === "update");
      picture.classList.toggle("is-stopped", step.stop === true);
      picture.classList.toggle("is-moving", moving);
      picture.setAttribute("aria-label", step.text);
      for (const [name, nodes] of parts) {
        for (const node of nodes) {
          node.classList.toggle("is-lit", step.parts.includes(name));
          node.classList.toggle("is-unseen", !seen.has(name));
        }
      }
      for (const [name, node] of edges) {
        const [from, to] = name.split(">");
        const forth = step.edges.includes(name);
        const back = step.back && step.edges.includes(`${to}>${from}`);
        node.classList.toggle("is-lit", forth || back);
        node.classList.toggle("is-backward", back);
      }
      if (step.name === followed.name) return;
      followed = step;
      follow(moving);
    },
    /** What is lit. */
    lit: () => ({
      parts: [...parts].filter(([, nodes]) => nodes[0].classList.contains("is-lit")).map(([name]) => name),
      edges: [...edges].filter(([, node]) => node.classList.contains("is-lit")).map(([name]) => name),
    }),
    destroy() {
      unfollow();
      observer.disconnect();
      wrap.remove();
    },
  };
}
