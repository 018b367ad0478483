/**
 * Run files (runs/run_file.py): a safetensors file whose metadata hold what is no tensor. No DOM.
 *
 * @typedef {Uint8Array | Float32Array | Float64Array | BigInt64Array} Numbers
 * @typedef {{shape: number[], values: Numbers}} Tensor
 * @typedef {{facts: any, tensors: Record<string, Tensor>}} RunFile
 */
import { size } from "../contract/bytes.js";

const KEY = "vaewidgets";
const FORMAT = 1;

/** @type {Record<string, any>} */
const KINDS = { U8: Uint8Array, F32: Float32Array, F64: Float64Array, I64: BigInt64Array };

/** @param {Numbers} values */
const kindOf = (values) => Object.keys(KINDS).find((name) => values instanceof KINDS[name]) ?? "F32";

/** @param {RunFile} file @returns {Uint8Array} */
export function writeRunFile({ facts, tensors }) {
  // The widest first, so that each lies at a multiple of its width.
  const names = Object.keys(tensors).sort(
    (a, b) => tensors[b].values.BYTES_PER_ELEMENT - tensors[a].values.BYTES_PER_ELEMENT,
  );
  /** @type {Record<string, any>} */
  const header = { __metadata__: { [KEY]: JSON.stringify({ ...facts, format: FORMAT }) } };
  let end = 0;
  for (const name of names) {
    const { shape, values } = tensors[name];
    header[name] = { dtype: kindOf(values), shape, data_offsets: [end, end + values.byteLength] };
    end += values.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(8 + length + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.fill(32, 8, 8 + length);
  out.set(text, 8);
  for (const name of names) {
    const { values } = tensors[name];
    out.set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      8 + length + header[name].data_offsets[0],
    );
  }
  return out;
}

/** @param {Uint8Array} bytes @returns {RunFile} */
export function readRunFile(bytes) {
  const header = headerOf(bytes);
  const text = header.json.__metadata__?.[KEY];
  if (!text) throw new Error("this safetensors file holds no run; expected one of run.save or of this page.");
  const facts = factsOf(text);
  if (facts.format !== FORMAT)
    throw new Error(`this run file has format ${facts.format}; this page reads ${FORMAT}.`);
  delete header.json.__metadata__;
  /** @type {Record<string, Tensor>} */
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: place }] of Object.entries(header.json)) {
    const kind = KINDS[dtype];
    // What the page does not read (half precision of a time line) is left out.
    if (!kind) continue;
    if (!Array.isArray(shape) || !Array.isArray(place))
      throw new Error(`this run file is damaged: its header says no place for ${name}.`);
    const own = bytes.slice(header.end + place[0], header.end + place[1]);
    if (own.length !== place[1] - place[0]) throw new Error("this run file is cut off at its end.");
    if (own.length !== size(shape) * kind.BYTES_PER_ELEMENT)
      throw new Error(`this run file is damaged: ${name} has ${own.length} bytes for the shape (${shape}).`);
    tensors[name] = { shape, values: new kind(own.buffer) };
  }
  return { facts, tensors };
}

/** @param {string} text */
function factsOf(text) {
  try {
    // Python writes what is not finite by names that JSON does not have.
    return JSON.parse(text.replace(/([[:,]\s*)(?:NaN|-?Infinity)(?=\s*[,\]}])/g, "$1null"));
  } catch {
    throw new Error("this run file is damaged: what it says of its run cannot be read.");
  }
}

/** @param {Uint8Array} bytes */
function headerOf(bytes) {
  try {
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    const end = 8 + length;
    if (end > bytes.length) throw new Error("cut off");
    return { json: JSON.parse(new TextDecoder().decode(bytes.subarray(8, end))), end };
  } catch {
    throw new Error("this is no run file: expected a .safetensors file that run.save or this page wrote.");
  }
}
