/** The code of an answer, and the answers of a class: pasted or dropped codes as a histogram beside the truth. */
import { createPress } from "../../host/controls.js";
import { h, OWN_KEYS, setText, show } from "../../host/dom.js";
import { formatCount } from "../../maths/format.js";
import { isRight } from "./predict.js";
import { codeFor, readCodes, tally } from "./tally.js";

/** @typedef {import("./tally.js").Coded} Coded */

const MOST_CODES = 2000;

/**
 * @param {HTMLElement} el
 * @param {{onCollect: (codes: string[]) => void}} opts
 */
export function createCollect(el, { onCollect }) {
  const code = h("code", "vw-predict-code");
  const said = h("span", "vw-note", { role: "status" });
  const own = h("p", "vw-predict-own", {}, [h("span", "", { text: "Your answer as a code:" }), code]);
  const copy = createPress(own, {
    name: "copy-code",
    text: "copy",
    async onPress() {
      let came = "copied";
      try {
        await navigator.clipboard.writeText(code.textContent ?? "");
      } catch {
        came = "select and copy it"; // a browser may forbid the clipboard
      }
      setText(said, came);
    },
  });
  own.append(said);

  const box = h("textarea", "vw-text vw-predict-codes", {
    rows: 3,
    spellcheck: "false",
    "aria-label": "codes of the class",
    placeholder: "Paste the codes, or drop a CSV file here",
    ...OWN_KEYS,
  });
  const read = h("p", "vw-note", { role: "status" });
  const rows = h("div", "vw-predict-tally", { role: "img" });
  const sum = h("p", "vw-predict-sum");
  const fold = h("details", "vw-predict-class", {}, [
    h("summary", "", { text: "Answers of a class" }),
    box,
    read,
    rows,
    sum,
  ]);
  el.append(own, fold);

  const area = /** @type {HTMLTextAreaElement} */ (box);
  /** What this view sent, and shows already. */
  let sent = "";
  /** @type {Coded | null} */
  let exercise = null;

  function take() {
    if (!exercise) return;
    const found = readCodes(exercise, area.value);
    const codes = found.codes.slice(0, MOST_CODES);
    sent = codes.join("\n");
    onCollect(codes);
    const parts = [`${formatCount(codes.length)} ${codes.length === 1 ? "answer" : "answers"}`];
    if (found.codes.length > MOST_CODES)
      parts.push(`of ${formatCount(found.codes.length)}, the most that are kept`);
    if (found.others.length) parts.push(`${found.others.length} of another question (${found.others[0]})`);
    if (found.bad.length) parts.push(`${found.bad.length} mistyped (${found.bad[0]})`);
    setText(read, area.value.trim() ? `${parts.join("; ")}.` : "");
  }
  area.addEventListener("input", take);
  area.addEventListener("dragover", (event) => event.preventDefault());
  area.addEventListener("drop", async (event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    area.value = `${area.value}\n${await file.text()}`.trim();
    take();
  });

  return {
    /**
     * @param {Coded} asked with its truth, as far as that is known by now
     * @param {{answer: any, codes: string[], revealed: boolean}} stand
     */
    update(asked, { answer, codes, revealed }) {
      exercise = asked;
      show(own, answer !== null);
      if (answer !== null) setText(code, codeFor(asked, answer));
      if (codes.join("\n") !== sent) {
        sent = codes.join("\n");
        area.value = sent;
        setText(read, "");
      }
      const { answers } = readCodes(asked, codes.join("\n"));
      const lines = tally(asked, answers, revealed);
      const most = Math.max(1, ...lines.map(({ count }) => count));
      rows.replaceChildren(
        ...lines.map(({ text, count, isTrue }) => {
          const bar = h("span", "vw-predict-bar");
          bar.style.width = `${(100 * count) / most}%`;
          const row = h("div", `vw-predict-row${isTrue ? " is-true" : ""}`, {}, [
            h("span", "vw-predict-row-text", { text }),
            h("span", "vw-predict-bars", {}, [bar]),
            h("span", "vw-predict-count", { text: `${count}${isTrue ? " ✓" : ""}` }),
          ]);
          return row;
        }),
      );
      show(rows, answers.length > 0);
      const right = answers.filter((one) => isRight(asked, one)).length;
      setText(sum, revealed && answers.length ? `${right} of ${answers.length} are right.` : "");
      rows.setAttribute("aria-label", lines.map((line) => `${line.text}: ${line.count}`).join(", "));
    },
    destroy() {
      copy.destroy();
      own.remove();
      fold.remove();
    },
  };
}
