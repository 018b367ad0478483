/**
 * A panel of a page that trains: a reader's own images as its data set, from files or drawn here. A program of its own,
 * so that other pages do not carry it.
 *
 * Controls: .vw-own-toggle, .vw-own-drop, input.vw-own-files, input.vw-own-folder, .vw-pad-canvas, .vw-own-class,
 * .vw-own-keep, .vw-own-undo, .vw-own-start; what is said stands in .vw-own-said.
 *
 * @typedef {import("../../training/own_set.js").OwnData} OwnData
 * @typedef {import("./own_data.js").OwnFile} OwnFile
 * @typedef {{shape: [number, number, number], background: number, onStart: (data: OwnData) => void}} Options
 *   shape: of the page's images; background: 1 where their ground is light
 */
import { size } from "../../contract/bytes.js";
import { toBytes } from "../../draw/images.js";
import { itemsOf, toRgba } from "../../draw/items.js";
import { sketchPixels } from "../../draw/raster.js";
import { createSketchPad } from "../../draw/sketch_pad.js";
import { createPress } from "../controls.js";
import { h, setText, show } from "../dom.js";
import { createTheme } from "../theme.js";
import { FEWEST, readOwnData } from "./own_data.js";
import "./own_images.css";

const PEN = 0.09;
/** As MNIST's digits fill their images. */
const FRAMING = { extent: 0.75, center: /** @type {[number, number]} */ ([0.5, 0.5]) };

/** @param {Uint8Array} bytes */
async function decodeImage(bytes) {
  const bitmap = await createImageBitmap(new Blob([/** @type {BlobPart} */ (bytes)]));
  const canvas = h("canvas", "");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** @param {File} file @returns {OwnFile} */
const ownFile = (file) => ({
  name: file.name,
  path: file.webkitRelativePath || file.name,
  size: file.size,
  bytes: async () => new Uint8Array(await file.arrayBuffer()),
});

/** All files under what was dropped, folders included. @param {FileSystemEntry} entry @param {string} [above] @returns {Promise<OwnFile[]>} */
async function filesUnder(entry, above = "") {
  const path = `${above}${entry.name}`;
  if (entry.isFile) {
    /** @type {File} */
    const file = await new Promise((resolve, reject) =>
      /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject),
    );
    return [{ ...ownFile(file), path }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
    if (!some.length) return found;
    for (const one of some) found.push(...(await filesUnder(one, `${path}/`)));
  }
}

/** @param {DataTransfer} dropped @returns {Promise<OwnFile[]>} */
async function filesOf(dropped) {
  const entries = [...dropped.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const lists = await Promise.all(entries.map((entry) => filesUnder(/** @type {FileSystemEntry} */ (entry))));
  return entries.length ? lists.flat() : [...dropped.files].map(ownFile);
}

/** A button that opens the browser's choice of files. @param {string} name @param {string} text @param {Record<string, any>} attributes @param {(files: OwnFile[]) => void} onFiles */
function createFileChoice(name, text, attributes, onFiles) {
  const input = h("input", `vw-own-${name}`, { type: "file", multiple: true, hidden: true, ...attributes });
  const button = h("button", "vw-button", { type: "button", text });
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    onFiles([...(input.files ?? [])].map(ownFile));
    input.value = ""; // the same files may be chosen again
  });
  return [button, input];
}

/**
 * Drawings, each kept with the class that it was given.
 * @param {HTMLElement} el
 * @param {{theme: import("../theme.js").Theme, shape: [number, number, number], background: number, onChange: () => void}} opts
 */
function createDrawings(el, { theme, shape, background, onChange }) {
  /** @type {import("../../draw/raster.js").Stroke[]} */
  let strokes = [];
  /** @type {{bytes: Uint8Array, name: string, tile: HTMLCanvasElement}[]} */
  const kept = [];
  const padEl = h("div", "vw-own-pad");
  const name = h("input", "vw-number vw-own-class", { type: "text", maxlength: 20, placeholder: "none" });
  const tools = h("div", "vw-knobs vw-own-tools", {}, [
    h("label", "vw-field", {}, [h("span", "", { text: "class" }), name]),
  ]);
  const tiles = h("div", "vw-own-tiles");
  el.append(padEl, tools, tiles);
  const pad = createSketchPad(padEl, {
    theme,
    onStroke(stroke, done) {
      if (done) change([...strokes, { ...stroke, points: [...stroke.points] }]);
    },
    onUndo: () => change(strokes.slice(0, -1)),
    onClear: () => change([]),
    say: () => {},
  });
  const keep = createPress(tools, { name: "own-keep", text: "keep this drawing", onPress: add });
  const undo = createPress(tools, { name: "own-undo", text: "undo", onPress: back });

  /** @param {typeof strokes} next */
  function draw(next) {
    strokes = next;
    pad.update({ strokes, width: PEN, erase: false, background });
    keep.update({ disabled: !strokes.length });
    undo.update({ disabled: !strokes.length && !kept.length });
  }

  /** @param {typeof strokes} next */
  function change(next) {
    draw(next);
    onChange();
  }

  function add() {
    if (!strokes.length) return;
    const range = /** @type {[number, number]} */ ([0, 1]);
    const framing = { ...FRAMING, background };
    const bytes = toBytes(sketchPixels(strokes, shape, { framing, framed: true, range }), range);
    const tile = tileOf(bytes, shape);
    tiles.append(tile);
    kept.push({ bytes, name: name.value.trim(), tile });
    change([]);
  }

  /** Takes the last stroke away, or the last drawing that was kept. */
  function back() {
    if (strokes.length) return change(strokes.slice(0, -1));
    kept.pop()?.tile.remove();
    return change([]);
  }
  draw([]);

  return {
    get count() {
      return kept.length;
    },
    /** @returns {OwnData} */
    data() {
      const one = size(shape);
      const images = new Uint8Array(kept.length * one);
      kept.forEach(({ bytes }, i) => {
        images.set(bytes, i * one);
      });
      const classNames = [...new Set(kept.map((drawing) => drawing.name))].sort();
      const labelled = classNames.length > 1 && !classNames.includes("");
      const labels = labelled ? Uint8Array.from(kept, (drawing) => classNames.indexOf(drawing.name)) : null;
      return { images, n: kept.length, labels, classNames: labelled ? classNames : null, notes: [] };
    },
    destroy() {
      for (const part of [pad, keep, undo]) part.destroy();
    },
  };
}

/** An image as it is, a canvas pixel each. @param {Uint8Array} bytes @param {[number, number, number]} shape */
function tileOf(bytes, shape) {
  const [, height, width] = shape;
  const tile = h("canvas", "vw-own-tile", { width, height });
  const pixels = new ImageData(width, height);
  toRgba(bytes, itemsOf({ image_shape: shape }), pixels.data, "light");
  tile.getContext("2d")?.putImageData(pixels, 0, 0);
  return tile;
}

/** "31 images of 3 classes" @param {OwnData} data */
const describe = ({ n, classNames }) =>
  `${n.toLocaleString("en")} images${classNames ? ` of ${classNames.length} classes` : ""}`;

/**
 * @param {HTMLElement} el
 * @param {Options} options
 */
export function createOwnImages(el, { shape, background, onStart }) {
  const toggle = h("button", "vw-button vw-own-toggle", {
    type: "button",
    "aria-expanded": false,
    text: "train on your own images",
  });
  const said = h("p", "vw-note vw-own-said", { role: "status" });
  const drop = h("div", "vw-own-drop", {}, [
    h("p", "", {
      text: "Drop pictures here, a folder of them (its sub-folders are the classes), a CSV or an IDX file.",
    }),
    ...createFileChoice("files", "choose files", {}, take),
    ...createFileChoice("folder", "choose a folder", { webkitdirectory: "" }, take),
  ]);
  const drawEl = h("div", "vw-own-draw");
  const footer = h("div", "vw-own-foot", {}, [said]);
  const panel = h("div", "vw-own-panel", { hidden: true }, [drop, drawEl, footer]);
  const root = h("section", "vw-root vw-own", { "aria-label": "your own images" }, [toggle, panel]);
  el.append(root);
  const theme = createTheme(root);
  theme.refresh();
  /** @type {OwnData | null} */
  let read = null;
  const drawings = createDrawings(drawEl, { theme, shape, background, onChange: count });
  const start = createPress(footer, {
    name: "own-start",
    main: true,
    text: "train on these",
    onPress() {
      const data = read ?? drawings.data();
      say(`Training from scratch on ${describe(data)}.`);
      setOpen(false);
      onStart(data);
      // above this panel on a phone, else below it
      document.querySelector(".vw-page-widget")?.scrollIntoView();
    },
  });

  /** @param {string} text @param {boolean} [fault] */
  function say(text, fault = false) {
    setText(said, text);
    said.classList.toggle("vw-own-fault", fault);
  }

  /** What would be trained on now. */
  function count() {
    if (drawings.count) read = null;
    const ready = read !== null || drawings.count >= FEWEST;
    start.update({ disabled: !ready });
    if (read) say([`${describe(read)}.`, ...read.notes].join(" "));
    else if (drawings.count)
      say(`${drawings.count} drawings; training needs ${FEWEST} at least, twenty are better.`);
    else say(`Or draw ${FEWEST} images or more, one after the other.`);
  }

  /** @param {OwnFile[]} files */
  async function take(files) {
    if (!files.length) return; // the choice was cancelled
    say(`Reading ${files.length === 1 ? files[0].name : `${files.length} files`} …`);
    try {
      read = await readOwnData(files, { shape, decodeImage });
      count();
    } catch (fault) {
      read = null;
      start.update({ disabled: true });
      say(fault instanceof Error ? fault.message : String(fault), true);
    }
  }

  /** @param {boolean} on */
  function setOpen(on) {
    show(panel, on);
    toggle.setAttribute("aria-expanded", String(on));
  }

  toggle.addEventListener("click", () => setOpen(panel.hidden));
  for (const name of ["dragenter", "dragover"]) {
    root.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("vw-own-over");
    });
  }
  root.addEventListener("dragleave", () => drop.classList.remove("vw-own-over"));
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("vw-own-over");
    setOpen(true);
    if (event.dataTransfer) filesOf(event.dataTransfer).then(take, (fault) => say(String(fault), true));
  });
  // a file that misses the panel would replace the page, and with it what was trained
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
  count();
  return { root, take };
}
