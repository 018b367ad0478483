/**
 * BottleneckSweep: recon, kl, loss and active units against latent_dim; a table below. Handle: see host/widget.js;
 * points() gives what is drawn by quantity, rows() the table, toClient(index) where a run's recon is drawn.
 *
 * Controls: a click on a point; the table's rows, each a button that the arrow keys go between.
 */

import { h, OWN_KEYS, setText } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatLoss, perImage } from "../../maths/format.js";
import { labelOf, partsOf } from "../../panels/curves/index.js";
import help from "./help.json" with { type: "json" };
import { createSizePlot } from "./size_plot.js";

/** @typedef {import("../../contract/types.js").Part} Part */
/** @typedef {import("./size_plot.js").SizePoint} SizePoint */

const QUANTITIES = /** @type {const} */ (["recon", "kl", "loss", "active"]);

/** @param {Part} part @param {typeof QUANTITIES[number]} name @returns {number | null} */
function valueOfPart({ size, active }, name) {
  return name === "active" ? (active?.kl ?? null) : (size?.[name] ?? null);
}

export default defineWidget({
  name: "bottleneck-sweep",
  label: "Size of the bottleneck",
  help,
  build({ shell, view }) {
    const plots = h("div", "vw-size-plots");
    const said = h("p", "vw-note vw-elbow-says");
    const head = [
      "latent dimensions",
      "run",
      "epoch",
      "recon",
      "KL, nats",
      "loss",
      "active by KL",
      "by Var(μ)",
    ];
    const body = h("tbody");
    const table = h("table", "vw-size-table", {}, [
      h("thead", "", {}, [
        h(
          "tr",
          "",
          {},
          head.map((text) => h("th", "", { scope: "col", text })),
        ),
      ]),
      body,
    ]);
    shell.body.append(plots, said, h("div", "vw-table-scroll", OWN_KEYS, [table]));
    const pick = (/** @type {number} */ index) =>
      view.set("picked", view.get("picked") === index ? null : index);
    const panels = QUANTITIES.map((name) => ({
      name,
      plot: createSizePlot(plots, { theme: shell.theme, onPick: pick }),
    }));
    /** @type {Record<string, SizePoint[]>} */
    let drawn = {};
    /** Runs in the order of the table. @type {number[]} */
    let order = [];

    /** @param {number} count */
    function makeRows(count) {
      if (body.children.length === count) return;
      const rows = Array.from({ length: count }, (_, row) => {
        const button = h("button", "vw-pick", { type: "button" });
        button.addEventListener("click", () => pick(order[row]));
        const cells = head.slice(1).map(() => h("td"));
        const tr = h("tr", "", {}, [h("th", "", { scope: "row" }, [button]), ...cells]);
        tr.addEventListener("click", (event) => {
          if (event.target !== button) pick(order[row]);
        });
        return tr;
      });
      body.replaceChildren(...rows);
    }
    /** @param {KeyboardEvent} event */
    const onKey = (event) => {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      const buttons = [...body.querySelectorAll("button")];
      const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
      if (!step || at < 0) return;
      event.preventDefault();
      const to = Math.min(Math.max(at + step, 0), buttons.length - 1);
      buttons[to].focus();
      view.set("picked", order[to]);
    };
    body.addEventListener("keydown", onKey);

    /** @param {Part[]} parts @param {number|null} picked */
    function fillTable(parts, picked) {
      order = parts
        .map((_, i) => i)
        .sort((a, b) => (parts[a].size?.latent_dim ?? 0) - (parts[b].size?.latent_dim ?? 0) || a - b);
      makeRows(parts.length);
      order.forEach((index, row) => {
        const part = parts[index];
        const tr = body.children[row];
        const number = (/** @type {number|null|undefined} */ value) =>
          value === null || value === undefined ? "–" : formatLoss(value);
        const count = (/** @type {number|undefined} */ value) => (value === undefined ? "–" : String(value));
        const { size, active } = part;
        setText(/** @type {Element} */ (tr.querySelector("button")), String(size?.latent_dim ?? ""));
        const cells = [
          labelOf(part),
          String(part.run.epoch),
          `${number(size?.recon)}${size?.split === "train" ? " (train)" : ""}`,
          number(size?.kl),
          number(size?.loss),
          count(active?.kl),
          count(active?.var),
        ];
        for (const [i, text] of cells.entries()) setText(tr.children[i + 1], text);
        tr.classList.toggle("vw-picked", index === picked);
        tr.querySelector("button")?.setAttribute("aria-pressed", String(index === picked));
      });
    }

    return {
      update({ frame }) {
        const parts = partsOf(frame);
        const { elbow } = frame.sweep ?? { elbow: null };
        const given = view.get("picked");
        const picked = Number.isInteger(given) && given >= 0 && given < parts.length ? given : null;
        drawn = {};
        for (const { name, plot } of panels) {
          const points = parts.flatMap((part, index) => {
            const value = valueOfPart(part, name);
            return value === null || !part.size ? [] : [{ index, dim: part.size.latent_dim, value }];
          });
          drawn[name] = points;
          const unit = name === "kl" ? "nats" : frame.run.unit;
          const quantity = name === "kl" ? "KL" : name;
          plot.update({
            points,
            title: name === "active" ? "active units, by KL" : `${quantity}, ${perImage(unit)}`,
            color: name === "active" ? "fg" : name,
            elbow: elbow?.latent_dim ?? null,
            picked,
            zero: name === "active",
          });
        }
        const found =
          elbow && elbow.latent_dim !== null
            ? `Elbow at ${elbow.latent_dim} latent dimensions: the smallest size that achieves ${(100 - elbow.tolerance * 100).toFixed(0)} % of the total improvement. `
            : "No elbow. ";
        const notes = elbow?.notes.length ? `${elbow.notes.join("; ")}. ` : "";
        setText(
          said,
          `${elbow ? found : ""}${notes}Below, recon and loss are in ${perImage(frame.run.unit)}.`,
        );
        fillTable(parts, picked);
      },
      caption: ({ frame }) =>
        `${frame.size?.split === "train" ? "Training" : "Test"} metrics of ${partsOf(frame).length} runs by latent size; line: mean.`,
      handle: {
        /** Drawn points of each quantity. */
        points: () => drawn,
        /** The table's text, row by row. */
        rows: () => Array.from(body.children, (tr) => Array.from(tr.children, (cell) => cell.textContent)),
        /** Where a run's recon is drawn, clientX and clientY. @param {number} index */
        toClient: (index) => panels[0].plot.toClient(index),
      },
      destroy() {
        for (const { plot } of panels) plot.destroy();
      },
    };
  },
});
