/**
 * Run files of a page that trains: one button saves what was trained here, another opens such a file, which may be dropped
 * anywhere on the page, too. What is wrong with a file is said in the widgets' panels.
 *
 * Controls: .vw-page-run-file, .vw-page-open-run, input.vw-page-run-input.
 *
 * @typedef {ReturnType<typeof import("./training.js").createTraining>} Training
 */
import { h } from "../dom.js";
import { download, slug } from "../still_image.js";

const ENDING = ".safetensors";

/** @param {string} name @param {string} text @param {string} title */
const createButton = (name, text, title) => h("button", name, { type: "button", text, title });

/** @param {Training} training @param {string} kind class of the button */
export function createSave(training, kind) {
  const save = createButton(
    `${kind} vw-page-run-file`,
    "save the trained model",
    "a .safetensors file for vaewidgets.load_run",
  );
  save.addEventListener("click", () => {
    training.file((bytes, name) => download(new Blob([bytes]), `${slug(name)}${ENDING}`));
  });
  return save;
}

/**
 * @param {Training} training
 * @param {{kind?: string, within?: string}} [options] class of the buttons; where a file may be dropped
 * @returns {HTMLElement[]}
 */
export function createRunFiles(training, { kind = "vw-page-button", within = "html" } = {}) {
  const save = createSave(training, kind);
  const input = h("input", "vw-page-run-input", { type: "file", accept: ENDING, hidden: true });
  const open = createButton(
    `${kind} vw-page-open-run`,
    "open a saved model",
    "a .safetensors file of this page or of run.save; it may be dropped on the page",
  );
  const take = async (/** @type {File | undefined} */ file) => {
    if (file) training.openFile(new Uint8Array(await file.arrayBuffer()));
  };
  open.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take(input.files?.[0]);
    input.value = ""; // the same file may be chosen again
  });
  const isInside = (/** @type {Event} */ { target }) => target instanceof Element && target.closest(within);
  document.addEventListener("dragover", (event) => isInside(event) && event.preventDefault());
  // before the panel for images, which would say that it is none
  document.addEventListener(
    "drop",
    (event) => {
      const file = [...(event.dataTransfer?.files ?? [])].find(({ name }) => name.endsWith(ENDING));
      if (!file || !isInside(event)) return;
      event.preventDefault();
      event.stopPropagation();
      take(file);
    },
    true,
  );
  return [save, open, input];
}
