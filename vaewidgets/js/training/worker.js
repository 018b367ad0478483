/**
 * The trainer of a page as a program of its own: what a worker runs, and where a host forbids workers the page itself,
 * in slices. Messages: see `Request` and `Answer`. No DOM.
 *
 * @typedef {{type: "open", payload: any, wants: import("./wants.js").Wants[], saved: import("./page_kernel.js").Saved,
 *   kept: any} | {type: "images", data: import("./own_set.js").OwnData} | {type: "command", message: {seq: number, name: string, value: any}} | {type: "hide", hidden: boolean}
 *   | {type: "join", want: import("./wants.js").Wants} | {type: "leave", at: number} | {type: "close"} | {type: "file"}
 *   | {type: "open file", bytes: Uint8Array}} Request
 * @typedef {{type: "ready"} | {type: "opened"} | {type: "update", updates: Record<string, any>[]} | {type: "keep", kept: import("./kept.js").Bundle | null}
 *   | {type: "file", bytes: Uint8Array<ArrayBuffer>} | {type: "fault", message: string}} Answer
 *   opened: the trainer is there; fault: it could not be made; join, leave: a widget came, or the one of this
 *   number has gone
 */
import { openGpuRun } from "./gpu_run.js";
import { bundled } from "./kept.js";
import { createPageKernel } from "./page_kernel.js";
import { createTrainer } from "./trainer.js";

const scope = /** @type {any} */ (globalThis);
/** Of work between two looks at the messages: a worker holds nobody up but commands, a page must answer. */
const SLICE_MS = { worker: 25, page: 10 };
const found = scope.navigator?.gpu;
/** The GPU of the browser, if it has WebGPU. @type {import("./engine.js").Gpu | null} */
const gpu = found ? { open: (run, memory) => openGpuRun(found, run, memory) } : null;

/**
 * What `setTimeout` does, without the 4 ms that browsers add to each of a chain of them: the next slice comes as a message,
 * behind those that wait. Of no use in a page, which has to draw between two slices.
 */
function createNext() {
  const { port1, port2 } = new MessageChannel();
  /** @type {(() => void)[]} */
  const waiting = [];
  port1.onmessage = () => waiting.shift()?.();
  return (/** @type {() => void} */ fn, /** @type {number} */ ms) => {
    if (ms > 0) return void setTimeout(fn, ms);
    waiting.push(fn);
    return port2.postMessage(null);
  };
}

/**
 * @param {(answer: Answer) => void} answer
 * @param {number} sliceMs
 * @param {(fn: () => void, ms: number) => void} [later]
 * @returns {(request: Request) => void}
 */
function createServer(answer, sliceMs, later) {
  /** @type {import("./page_kernel.js").PageKernel | null} */
  let kernel = null;

  /** @param {Extract<Request, {type: "open"}>} request */
  function open({ payload, wants, saved, kept }) {
    const post = (/** @type {Record<string, any>[]} */ updates) => answer({ type: "update", updates });
    const keep = (/** @type {any} */ state) => answer({ type: "keep", kept: state && bundled(state) });
    kernel = createPageKernel({
      trainer: createTrainer(payload, { gpu }),
      payload,
      wants,
      saved,
      sliceMs,
      later,
      post,
      keep,
    });
    if (kept) kernel.restore(kept);
    answer({ type: "opened" });
  }

  function close() {
    kernel?.hide(true);
    kernel = null;
    if (typeof document === "undefined") scope.close();
  }

  return (request) => {
    try {
      if (request.type === "open") open(request);
      else if (request.type === "command") kernel?.obey(request.message);
      else if (request.type === "images") kernel?.takeImages(request.data);
      else if (request.type === "open file") kernel?.openRunFile(request.bytes);
      else if (request.type === "hide") kernel?.hide(request.hidden);
      else if (request.type === "join") kernel?.join(request.want);
      else if (request.type === "leave") kernel?.leave(request.at);
      else if (request.type === "close") close();
      else if (kernel) answer({ type: "file", bytes: new Uint8Array(kernel.runFile()) });
    } catch (error) {
      answer({ type: "fault", message: error instanceof Error ? error.message : String(error) });
    }
  };
}

if (typeof document === "undefined") {
  const serve = createServer((answer) => scope.postMessage(answer), SLICE_MS.worker, createNext());
  scope.onmessage = (/** @type {MessageEvent<Request>} */ { data }) => serve(data);
  scope.postMessage({ type: "ready" });
} else {
  scope[Symbol.for("vaewidgets.training.1")] = (/** @type {(answer: Answer) => void} */ answer) =>
    createServer(answer, SLICE_MS.page);
}
