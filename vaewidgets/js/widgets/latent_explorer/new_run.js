/**
 * The panel from which another run is started, and this run's settings as code. Without a kernel only the code
 * remains.
 *
 * Controls: .vw-new-run (opens and closes the form), .vw-form with one .vw-field-<name> each, .vw-start, .vw-copy.
 *
 * @typedef {import("../../contract/types.js").Frame} Frame
 * @typedef {import("../../contract/types.js").Form} Form
 * @typedef {import("../../host/widget.js").Context} Context
 * @typedef {{name: string, label: string, title: string, kind: "choice"|"whole"|"real"|"or none"}} Field
 */
import { createPress } from "../../host/controls.js";
import { h, OWN_KEYS, setText, show } from "../../host/dom.js";
import { takeKey } from "../../host/input.js";

/** @type {Field[]} */
const FIELDS = [
  { name: "dataset", label: "data", title: "data set to train on", kind: "choice" },
  { name: "kind", label: "model", title: "variational or plain autoencoder", kind: "choice" },
  { name: "latent_dim", label: "latent dimensions", title: "numbers in z", kind: "whole" },
  { name: "likelihood", label: "likelihood", title: "likelihood that defines recon", kind: "choice" },
  { name: "beta", label: "β", title: "weight of the KL in the loss", kind: "real" },
  {
    name: "target_kl",
    label: "or target KL",
    title: "KL in nats per image that β is turned to hold; empty: β stays",
    kind: "or none",
  },
  { name: "epochs", label: "epochs", title: "passes over the training images", kind: "whole" },
  { name: "lr", label: "lr", title: "learning rate", kind: "real" },
  { name: "batch_size", label: "batch size", title: "images per step", kind: "whole" },
  {
    name: "seed",
    label: "seed",
    title: "seed of the weights, the order of images and the noise",
    kind: "whole",
  },
];
const COPIED_MS = 2500;

/** @type {Record<string, string>} */
const KINDS = { VAE: "VAE", AE: "autoencoder" };

/**
 * The choices of a field; a page that trains has some sizes only.
 * @param {Form} form @param {string} name @returns {[string, string][] | null} value, text; null: anything may be written
 */
function choicesOf(form, name) {
  const plain = (/** @type {(string | number)[] | undefined} */ values) =>
    values?.map((one) => /** @type {[string, string]} */ ([String(one), String(one)])) ?? null;
  if (name === "dataset") return plain(form.datasets);
  if (name === "kind") return (form.kinds ?? Object.keys(KINDS)).map((one) => [one, KINDS[one] ?? one]);
  if (name === "likelihood") return Object.entries(form.likelihoods);
  if (name === "latent_dim") return plain(form.latent_dims);
  return name === "batch_size" ? plain(form.batch_sizes) : null;
}

/**
 * A field's text as what Python wants: a number where one can be read, else the text, which Python then refuses.
 * @param {Field} field @param {string} text
 */
export function settingOf({ kind }, text) {
  if (kind === "choice") return text;
  if (kind === "or none" && text.trim() === "") return null;
  const number = Number(text.trim().replace("−", "-").replace(",", "."));
  return text.trim() !== "" && Number.isFinite(number) ? number : text;
}

/**
 * @param {HTMLElement} el of the buttons
 * @param {HTMLElement} over where the form and the code open
 * @param {Context} context
 */
export function createNewRun(el, over, { commands }) {
  const abort = new AbortController();
  const { signal } = abort;
  const open = h("button", "vw-button vw-new-run", {
    type: "button",
    "aria-expanded": false,
    text: "new run",
  });
  const copy = createPress(el, {
    name: "copy",
    text: "copy as code",
    title: "copy Python code that reproduces this run",
    onPress: copyCode,
  });
  el.prepend(open);
  const said = h("span", "vw-note vw-copied", { role: "status" });
  el.append(said);
  /** @type {Map<string, HTMLInputElement | HTMLSelectElement>} */
  const inputs = new Map();
  /** @type {Map<string, HTMLElement>} */
  const labels = new Map();
  const form = h("form", "vw-form", { hidden: true, "aria-label": "settings of the new run", ...OWN_KEYS });
  for (const { name, label } of FIELDS) {
    const field = h("label", `vw-field vw-field-${name}`, {}, [h("span", "", { text: label })]);
    labels.set(name, field);
    form.append(field);
  }
  const start = h("button", "vw-button vw-main-button vw-start", { type: "submit", text: "start" });
  form.append(start);
  const code = h("textarea", "vw-code", {
    readonly: true,
    rows: 9,
    spellcheck: "false",
    "aria-label": "code of this run",
    hidden: true,
    ...OWN_KEYS,
  });
  over.append(form, code);

  /** @type {Form | null} */
  let given = null;
  let runId = "";
  let touched = false;
  let starting = false;
  let timer = 0;

  function fill() {
    if (!given) return;
    for (const { name, title } of FIELDS) {
      const choices = choicesOf(given, name);
      const known = inputs.get(name);
      const input =
        known && known instanceof HTMLSelectElement === Boolean(choices)
          ? known
          : choices
            ? h("select", "vw-select", { title })
            : h("input", "vw-number", { type: "text", inputmode: "decimal", title });
      if (input !== known) labels.get(name)?.append(input);
      if (input !== known) known?.remove();
      inputs.set(name, input);
      if (choices) input.replaceChildren(...choices.map(([value, text]) => h("option", "", { value, text })));
      input.value = String(given[/** @type {keyof Form} */ (name)] ?? "");
      // a choice of one is none
      show(/** @type {HTMLElement} */ (labels.get(name)), !(commands.offline && choices?.length === 1));
    }
    followKind();
  }

  /** An autoencoder's loss has no KL to weigh. */
  function followKind() {
    for (const name of ["beta", "target_kl"]) {
      const input = inputs.get(name);
      if (input) input.disabled = inputs.get("kind")?.value === "AE";
    }
  }

  /** @param {boolean} on */
  function setOpen(on) {
    show(form, on);
    if (on) show(code, false);
    open.setAttribute("aria-expanded", String(on));
    if (on && !touched) fill();
  }

  /** @param {Event} event */
  function onSubmit(event) {
    event.preventDefault();
    if (starting) return;
    starting = true;
    setText(start, "starting …");
    start.disabled = true;
    const settings = Object.fromEntries(
      FIELDS.map((field) => [field.name, settingOf(field, inputs.get(field.name)?.value ?? "")]),
    );
    commands.send("new_run", settings);
  }

  function ready() {
    starting = false;
    start.disabled = false;
    setText(start, "start");
  }

  async function copyCode() {
    if (!given) return;
    code.value = given.code;
    setOpen(false);
    show(code, true);
    let text = "copied: Python code that reproduces this run";
    try {
      await navigator.clipboard.writeText(given.code);
    } catch {
      // A page from a file, or a host that forbids it: the text stands there to be copied by hand.
      text = "select and copy";
      code.focus();
      code.select();
    }
    setText(said, text);
    clearTimeout(timer);
    timer = window.setTimeout(() => setText(said, ""), COPIED_MS);
  }

  open.addEventListener("click", () => setOpen(form.hidden), { signal });
  over.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      takeKey(event);
      (form.hidden ? copy.button : open).focus();
      setOpen(false);
      show(code, false);
    },
    { signal },
  );
  // The code lies over the map, and goes with the next touch of anything else.
  window.addEventListener(
    "pointerdown",
    (event) => {
      const [touched] = event.composedPath();
      if (touched !== code && touched !== copy.button) show(code, false);
    },
    { signal, capture: true },
  );
  form.addEventListener("submit", onSubmit, { signal });
  // JupyterLab's notebook cancels Enter, and with it the browser's own "submit".
  form.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Enter" && event.target instanceof HTMLInputElement) onSubmit(event);
    },
    { signal },
  );
  form.addEventListener(
    "input",
    () => {
      touched = true;
      followKind();
    },
    { signal },
  );

  return {
    /** @param {Frame} frame */
    update(frame) {
      if (!frame.form) return;
      given = frame.form;
      if (frame.run.id !== runId) {
        // Another run is there: the form closes, and starts from its settings.
        const first = runId === "";
        runId = frame.run.id;
        touched = false;
        ready();
        if (!first) setOpen(false);
      } else if (starting && frame.run.error) {
        ready();
      }
      show(open, !commands.rests);
      if (!code.hidden && document.activeElement !== code && code.value !== given.code)
        code.value = given.code;
    },
    handle: {
      /** The code of the run that is shown. */
      code: () => given?.code ?? "",
    },
    destroy() {
      abort.abort();
      clearTimeout(timer);
      copy.destroy();
      form.remove();
      code.remove();
    },
  };
}
