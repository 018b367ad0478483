/**
 * Compiles the kernels: `npm run wasm` writes kernels/wasm_code.js and wasm_products_code.js, the modules in base64.
 *
 * The source is AssemblyScript: TypeScript's syntax for WebAssembly's types and instructions, with no run time.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = (/** @type {string} */ name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const OPTIONS = [
  "-O3",
  "--shrinkLevel",
  "1",
  "--noAssert",
  "--runtime",
  "stub",
  "--importMemory",
  "--noExportMemory",
  "--disableWarning",
  "112",
  "--enable",
  "simd",
];

/** A function for each name of elementwise.ts: its loop with a constant. */
function passes() {
  const source = readFileSync(`${here}elementwise.ts`, "utf8");
  const named = (/** @type {number} */ n, /** @type {string} */ kind, /** @type {string} */ operands) => {
    const [, names] = /** @type {RegExpExecArray} */ (new RegExp(`enum Of${n} {([^}]*)}`).exec(source));
    const given = operands.replace(/: \w+/g, "");
    return (names.match(/\w+/g) ?? []).map(
      (
        name,
      ) => `export function ${kind}_${name}(out: u32, ${operands}, n: i32, a: f32, b: f32, c: f32): void {
  loop${n}(Of${n}.${name}, out, ${given}, n, a, b, c);
}`,
    );
  };
  return [
    'import { Of1, Of2, loop1, loop2 } from "./elementwise";',
    ...named(1, "unary", "x: u32"),
    ...named(2, "binary", "x: u32, xN: i32, y: u32, yN: i32"),
  ].join("\n");
}

/** @param {string} name @param {string} base @returns {string | null} null for what is not there, as the compiler tries */
function read(name, base) {
  if (name === "passes.ts") return passes();
  const path = join(base, name);
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

/**
 * @param {string} entry
 * @param {string[]} more options
 * @returns {Promise<Uint8Array>}
 */
async function compile(entry, more = []) {
  const { default: asc } = await import("assemblyscript/asc");
  /** @type {Uint8Array | undefined} */
  let binary;
  const { error, stderr } = await asc.main(
    [entry, "--baseDir", here, "-o", "module.wasm", ...OPTIONS, ...more],
    {
      readFile: read,
      writeFile: (_, contents) => {
        binary = /** @type {Uint8Array} */ (contents);
      },
    },
  );
  if (error || !binary) throw new Error(`${entry}: ${error?.message}\n${stderr}`);
  return binary;
}

/** Of the sources and of this file: the compiler takes seconds, so that tests compare this and CI what it writes. */
export function stamp() {
  const hash = createHash("sha256");
  for (const name of readdirSync(here).sort()) hash.update(name).update(readFileSync(here + name));
  return hash.digest("hex").slice(0, 16);
}

/** @param {string} entry @param {string[]} more */
const text = async (entry, ...more) => Buffer.from(await compile(entry, more)).toString("base64");

/** What kernels/wasm_code.js must hold, and kernels/wasm_products_code.js: what a page needs that only decodes. */
async function files() {
  return {
    "wasm_code.js": `/** Made by \`npm run wasm\` from the sources in kernels/wasm. */
export const STAMP = "${stamp()}";

export const KERNELS =
  "${await text("kernels.ts")}";

/** The products again, with multiplication and addition in one instruction. */
export const RELAXED_PRODUCTS =
  "${await text("products.ts", "--enable", "relaxed-simd")}";
`,
    "wasm_products_code.js": `/** Made by \`npm run wasm\` from the sources in kernels/wasm. */
export const PRODUCTS =
  "${await text("decoding.ts")}";
`,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, contents] of Object.entries(await files())) writeFileSync(target(name), contents);
}
