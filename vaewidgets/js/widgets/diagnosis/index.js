/**
 * Diagnosis: what the run is doing, in words. Handle: see host/widget.js; verdict() and sentences() give what is shown.
 */

import { h, setText, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { formatCount } from "../../maths/format.js";
import help from "./help.json" with { type: "json" };
import { createLives } from "./unit_lives.js";

/** A mark for each verdict: color alone says nothing to some. @type {Record<string, string>} */
const MARKS = {
  healthy: "✓",
  "posterior collapse": "▽",
  memorising: "▣",
  "under-fitting": "↘",
  diverged: "✕",
};

/** A list whose items are rewritten only where they changed. @param {HTMLElement} list @param {string[]} texts */
function fillList(list, texts) {
  while (list.children.length > texts.length) list.lastElementChild?.remove();
  while (list.children.length < texts.length) list.append(h("li"));
  texts.forEach((text, i) => {
    setText(list.children[i], text);
  });
}

export default defineWidget({
  name: "diagnosis",
  label: "Diagnosis",
  help,
  build({ shell }) {
    const mark = h("span", "vw-mark", { "aria-hidden": "true" });
    const word = h("span", "vw-verdict-word");
    const verdict = h("p", "vw-verdict", { "aria-live": "polite" }, [mark, word]);
    const evidence = h("ul", "vw-diagnosis-evidence", { "aria-label": "evidence" });
    const tryTitle = h("p", "vw-title", { text: "what to change" });
    const advice = h("ul", "vw-advice", { "aria-label": "what to change" });
    const notes = h("ul", "vw-notes", { "aria-label": "notes" });
    const changes = h("p", "vw-note vw-changes");
    const livesTitle = h("p", "vw-title");
    const livesEl = h("div");
    const left = h("div", "vw-diagnosis-words", {}, [evidence, tryTitle, advice, notes]);
    const right = h("div", "vw-diagnosis-lives", {}, [livesTitle, livesEl]);
    shell.body.append(verdict, changes, h("div", "vw-diagnosis-parts", {}, [left, right]));
    const lives = createLives(livesEl, { theme: shell.theme });
    return {
      update({ frame: { diagnosis } }) {
        if (!diagnosis) return;
        shell.root.dataset.verdict = diagnosis.verdict;
        setText(mark, MARKS[diagnosis.verdict] ?? "");
        setText(word, diagnosis.verdict);
        fillList(evidence, diagnosis.evidence);
        fillList(advice, diagnosis.advice);
        fillList(notes, diagnosis.notes);
        for (const part of [tryTitle, advice]) show(part, diagnosis.advice.length > 0);
        show(notes, diagnosis.notes.length > 0);
        const way = diagnosis.changes.slice(-4);
        setText(
          changes,
          way.length > 1
            ? way.map((one) => `${one.verdict} from step ${formatCount(one.step)}`).join(" → ")
            : "",
        );
        show(changes, way.length > 1);
        show(right, diagnosis.lives !== null);
        if (!diagnosis.lives) return;
        const { latent_dim: dims, dead, never, delta } = diagnosis.lives;
        setText(
          livesTitle,
          `${dims - dead - never} of ${dims} units alive (KL > ${delta} nats); ${dead} died, ${never} never active`,
        );
        lives.update(diagnosis.lives);
      },
      caption: ({ frame: { run, diagnosis } }) =>
        `Diagnosis of ${run.name}, measured at step ${formatCount(diagnosis?.step ?? run.step)} on ${formatCount(diagnosis?.n_images ?? 0)} images of each split.`,
      handle: {
        /** The word that is shown. */
        verdict: () => word.textContent,
        /** What it rests on, what to change and notes, as shown. */
        sentences: () =>
          [evidence, advice, notes].map((list) => Array.from(list.children, (item) => item.textContent)),
      },
      destroy: () => lives.destroy(),
    };
  },
});
