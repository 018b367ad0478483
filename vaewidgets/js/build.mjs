/**
 * One minified ES module a widget, one style sheet and the saved page's host, into ../static. Prints the sizes; a bundle
 * over the limit fails the build. The same sources give the same bytes.
 */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { raise } from "./raise.mjs";

const LIMIT_BYTES = 112_000;
/** Of a bundle that runs networks: the engine comes on top. */
const ENGINE_LIMIT_BYTES = 161_000;
/** Of the trainer of a page: 30 kB are what it has for WebGPU, most of them programs of the GPU as text. */
const TRAINER_LIMIT_BYTES = 190_000;
const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static");

const widgets = (await readdir(join(here, "widgets"))).sort(); // a folder each

/** Tests ask what bundles would be made from. @type {esbuild.BuildOptions} */
export const options = {
  absWorkingDir: here,
  entryPoints: {
    ...Object.fromEntries(widgets.map((name) => [name, `widgets/${name}/index.js`])),
    vaewidgets: "styles/index.css",
    page: "host/page/host.js", // no widget: what a saved page runs, and its page.css
    own_images: "host/page/own_images.js", // a page's panel for images of the reader's own
    in_place: "host/page/in_place.js", // what a widget without its kernel runs to be trained in the page
    training: "training/worker.js", // a page's trainer: in its worker, or in itself
    replay: "host/page/replay.js", // a saved run in a notebook whose Python cannot train
    embed: "host/page/embed.js", // the same in a page of somebody else's, which touches nothing but its places
  },
  outdir: out,
  bundle: true,
  format: "esm",
  minify: true,
  target: ["es2022", "chrome105", "firefox110", "safari16"],
  charset: "utf8",
  legalComments: "none",
  banner: { js: "/* vaewidgets, BSD-3-Clause. */" },
  // Else an AMD loader on the page (RequireJS in exported HTML) would swallow the exports of a bundled library.
  // The long name is the linter's, the short one as good.
  define: { "define.amd": "false", "Number.POSITIVE_INFINITY": "Infinity" },
  write: false,
  metafile: true,
  logLevel: "warning",
};

/** How many bytes of a bundle run networks. @param {esbuild.BuildResult} result @param {string} name */
function engineBytes({ metafile }, name) {
  const entry = Object.entries(metafile?.outputs ?? {}).find(([path]) => basename(path) === name);
  const inputs = Object.entries(entry?.[1].inputs ?? {});
  return inputs.reduce(
    (sum, [path, { bytesInOutput }]) => sum + (path.startsWith("graphs/") ? bytesInOutput : 0),
    0,
  );
}

/** @param {esbuild.BuildResult} result */
async function write(result) {
  await mkdir(out, { recursive: true });
  const files = result.outputFiles ?? [];
  const names = files.map((file) => basename(file.path));
  for (const old of await readdir(out)) {
    if (/\.(js|css)$/.test(old) && !names.includes(old)) await rm(join(out, old));
  }
  let tooLarge = false;
  for (const file of files) {
    const contents = file.path.endsWith(".css") ? Buffer.from(raise(file.text)) : file.contents;
    await writeFile(file.path, contents);
    const engine = engineBytes(result, basename(file.path));
    const isTrainer = basename(file.path) === "training.js";
    const engineLimit = isTrainer ? TRAINER_LIMIT_BYTES : ENGINE_LIMIT_BYTES;
    const over = contents.length > (engine ? engineLimit : LIMIT_BYTES);
    tooLarge ||= over;
    const kilobytes = (/** @type {number} */ n) => (n / 1000).toFixed(1).padStart(6);
    const parts = engine ? `, the engine ${kilobytes(engine).trim()} of it` : "";
    console.log(
      `${kilobytes(contents.length)} kB  ${basename(file.path)}${parts}${over ? "  over the limit" : ""}`,
    );
  }
  if (tooLarge) process.exitCode = 1;
}

const isProgram = process.argv[1] === fileURLToPath(import.meta.url);
if (isProgram && process.argv.includes("--watch")) {
  const context = await esbuild.context({
    ...options,
    plugins: [{ name: "write", setup: (build) => build.onEnd(write) }],
  });
  await context.watch();
} else if (isProgram) {
  await write(await esbuild.build(options));
}
