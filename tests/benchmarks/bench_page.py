"""The widgets in a real browser: hover to picture, frames a second, page size, memory.

    python -m tests.benchmarks.bench_page [--json FILE]

Needs a Chromium, without a GPU: drawing is software GL, as on Binder. Prints a table beside the targets.
Hover is the work from the pointer's event to the decoded image on its canvas, the wait for the screen's
next frame left out, in the page, with no kernel; frames a second are of points that travel.
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

import vaewidgets as vw
from tests.browser.conftest import find_browser
from tests.browser.lab import CHROMIUM_ARGUMENTS
from vaewidgets.packing import pack, pack_quantised
from vaewidgets.publish import page_html
from vaewidgets.publish.embed import split_buffers

ORIGIN = "http://bench.invalid"

# A host for the bundles: models that are set from here, views that are opened and closed.
HOST = """
const place = document.body;
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const styles = new Set();
window.parse = (saved) => {
  const state = structuredClone(saved.state);
  for (const [path, text] of saved.buffers) {
    let at = state;
    for (const key of path.slice(0, -1)) at = at[key];
    at[path.at(-1)] = new DataView(bytes(text).buffer);
  }
  return state;
};
class Model {
  constructor(state) { this.state = state; this.listeners = new Map(); }
  get(key) { return this.state[key]; }
  set(key, value) { this.state[key] = value; for (const f of this.listeners.get(`change:${key}`) ?? []) f(); }
  on(event, f) { this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(f)); }
  off(event, f) { if (f) this.listeners.get(event)?.delete(f); else this.listeners.delete(event); }
  send() {}
  save_changes() {}
}
window.open_widget = async (name, state) => {
  const { default: widget } = await import(`/${name}.js`);
  const el = place.appendChild(document.createElement("div"));
  const model = new Model(state);
  const clean = await widget.render({ model, el });
  return { model, el, root: el.querySelector(".vw-root"),
    close() {
      clean();
      el.remove();
      return [...model.listeners.values()].reduce((n, set) => n + set.size, 0);
    } };
};
window.frame = () => new Promise(requestAnimationFrame);
// How long the page works in its next frame: callbacks, then style, layout and paint.
window.frameWork = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  requestAnimationFrame(() => {
    const begun = performance.now();
    port1.onmessage = () => { port1.close(); resolve(performance.now() - begun); };
    port2.postMessage(0);
  });
});
window.settle = async () => { for (let i = 0; i < 6; i++) await frame(); };
window.quantiles = (list, ...qs) => {
  list.sort((a, b) => a - b);
  return qs.map((q) => list[Math.min(list.length - 1, Math.floor(list.length * q))]);
};
window.ready = true;
"""

HOVER = """async ([name, saved, rounds]) => {
  const one = await open_widget(name, parse(saved));
  await settle();
  const w = one.root.vaewidgets;
  const [x0, y0] = w.toClient(-1.5, -1.5), [x1, y1] = w.toClient(1.5, 1.5);
  const target = document.elementFromPoint((x0 + x1) / 2, (y0 + y1) / 2);
  const times = [], decode = [];
  for (let i = 0; i < rounds; i++) {
    const t = i / rounds;
    const at = { clientX: x0 + (x1 - x0) * t, clientY: y0 + (y1 - y0) * (0.5 + 0.4 * Math.sin(9 * t)) };
    const before = w.decoded();
    const begun = performance.now();
    target.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, pointerId: 1, ...at }));
    let work = performance.now() - begun;
    for (let k = 0; k < 60 && (k === 0 || w.decoded() === before); k++) work += await frameWork();
    if (w.decoded() === before) throw new Error("nothing was decoded");
    times.push(work);
    decode.push(w.hover.ms);
    await frame();
  }
  one.close();
  return { shown: quantiles(times, 0.5, 0.95), decode: quantiles(decode, 0.5, 0.95) };
}"""

TRAVEL = """async ([saved, other, seconds]) => {
  const state = parse(saved), next = parse(other);
  const one = await open_widget("latent_scatter", state);
  await settle();
  const frames = [state.frame, { ...state.frame, scatter: { ...state.frame.scatter, points: next.points } }];
  const gaps = [];
  let turn = 0, turned = 0, last = performance.now();
  const end = last + seconds * 1000;
  while (last < end) {
    if (last - turned > 400) {
      turned = last;
      turn = 1 - turn;
      one.model.set("frame", { ...frames[turn], seq: frames[0].seq + Math.round(last) });
    }
    await frame();
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }
  one.close();
  return { fps: gaps.length / (gaps.reduce((a, b) => a + b) / 1000), gaps: quantiles(gaps, 0.5, 0.95) };
}"""


def plain(widget: Any) -> dict[str, Any]:
    """State of a widget without its time line, as JSON: the rest, and [path, base64] for each buffer."""
    state = {k: v for k, v in widget.get_state().items() if not k.startswith(("_", "time_"))}
    return encoded(state)


def encoded(state: dict[str, Any]) -> dict[str, Any]:
    rest, buffers = split_buffers(state)
    return {"state": rest, "buffers": [[path, base64.b64encode(b).decode()] for path, b in buffers]}


class Page:
    """A browser page with the host in it, and the protocol to ask for its memory."""

    def __init__(self, page: Any, static: Path) -> None:
        self.page = page
        css = (static / "vaewidgets.css").read_text()
        html = f"<!doctype html><style>{css}</style><body><script type=module>{HOST}</script>"
        page.route(f"{ORIGIN}/", lambda r: r.fulfill(body=html, content_type="text/html"))
        page.route(
            f"{ORIGIN}/*.js",
            lambda r: r.fulfill(
                path=static / r.request.url.rsplit("/", 1)[1], content_type="text/javascript"
            ),
        )
        page.goto(f"{ORIGIN}/")
        page.wait_for_function("window.ready")
        self.protocol = page.context.new_cdp_session(page)

    def ask(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def heap(self) -> tuple[float, int]:
        """Megabytes of the heap after a collection, and the number of event listeners."""
        for _ in range(3):
            self.protocol.send("HeapProfiler.collectGarbage")
        used = self.protocol.send("Runtime.getHeapUsage")["usedSize"] / 1e6
        return used, self.protocol.send("Memory.getDOMCounters")["jsEventListeners"]


@contextmanager
def new_page() -> Iterator[Callable[[], Page]]:
    from playwright.sync_api import sync_playwright

    static = Path(vw.__file__).parent / "static"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_ARGUMENTS)
        yield lambda: Page(browser.new_page(viewport={"width": 1200, "height": 900}), static)
        browser.close()


def hovers(open_page: Callable[[], Page], rounds: int) -> Iterator[tuple[str, str, str]]:
    images = vw.ImageDataset(np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8))
    for name, model, target in (
        ("MLP 2-256-512-784", vw.MLPVAE((1, 28, 28), 2), "< 4 ms"),
        ("experiment C's decoder", vw.ConvVAE((1, 28, 28), 128), "< 16 ms"),
    ):
        run = vw.train(model, images, start=False, autosave=False, batch_size=32)
        widget = vw.LatentScatter(run)
        result = open_page().ask(HOVER, ["latent_scatter", plain(widget), rounds])
        shown = "{:.1f}, {:.1f} ms".format(*result["shown"])
        yield f"hover, {name}: decoded, p50 and p95", "{:.2f}, {:.2f} ms".format(*result["decode"]), target
        yield f"hover, {name}: on its canvas, p50 and p95", shown, target
        widget.close()


def travels(open_page: Callable[[], Page], seconds: float) -> Iterator[tuple[str, str, str]]:
    run = vw.train(vw.MLPVAE((1, 28, 28), 2), vw.load_dataset("digits"), start=False, autosave=False)
    widget = vw.LatentScatter(run)
    rng = np.random.default_rng(0)
    for n, target in ((10_000, ""), (70_000, "30 a second"), (1_000_000, "2 a second")):
        state = {k: v for k, v in widget.get_state().items() if not k.startswith(("_", "time_"))}
        frame = copy.deepcopy(state["frame"])
        first, second = (pack_quantised(rng.normal(size=(n, 2)).astype(np.float32)) for _ in range(2))
        frame["scatter"] |= {"points": first, "labels": pack(rng.integers(0, 10, n).astype(np.int32), "i32")}
        page = open_page()
        result = page.ask(TRAVEL, [encoded({**state, "frame": frame}), encoded({"points": second}), seconds])
        gaps = "{:.0f}, {:.0f} ms apart".format(*result["gaps"])
        yield f"{n:,} points travelling", f"{result['fps']:.1f} frames a second ({gaps}, p50, p95)", target
        page.page.close()
    widget.close()


def memory(open_page: Callable[[], Page]) -> Iterator[tuple[str, str, str]]:
    run = vw.train(vw.MLPVAE((1, 28, 28), 2), vw.load_dataset("digits"), epochs=3, autosave=False)
    run.wait(progress=False)
    widget = vw.LatentExplorer(run)
    page, saved = open_page(), plain(widget)
    fresh = encoded({"frame": widget.frame})
    page.ask(
        """async ([saved, fresh]) => {
            window.saved = saved;
            window.one = await open_widget("latent_explorer", parse(saved));
            window.push = async (n) => {
                for (let i = 0; i < n; i++) {
                    one.model.set("frame", { ...parse(fresh).frame, seq: i });
                    await frame();
                }
            };
            await push(50);
        }""",
        [saved, fresh],
    )
    heaps = [page.heap()[0]]
    for _ in range(2):
        page.ask("async () => { await push(1000); }")
        heaps.append(page.heap()[0])
    yield "heap before, after 1,000 and 2,000 frames", "{:.2f}, {:.2f}, {:.2f} MB".format(*heaps), "no growth"
    page.ask("async () => { one.close(); window.one = null; await settle(); }")
    cycle = """async (n) => {
        let left = 0;
        for (let i = 0; i < n; i++) {
            const one = await open_widget("latent_explorer", parse(saved));
            await settle();
            left += one.close();
        }
        await settle();
        return left;
    }"""
    heaps, listeners, left = [], [], 0
    for n in (5, 50, 50):
        left += page.ask(cycle, n)
        used, listening = page.heap()
        heaps.append(used)
        listeners.append(listening)
    of = "heap after 5, 55 and 105 widgets opened and closed"
    yield of, "{:.2f}, {:.2f}, {:.2f} MB".format(*heaps), "no growth"
    yield (
        "... listeners left on models; on the page",
        f"{left}; {', '.join(map(str, listeners))}",
        "0; the same",
    )
    drawn = page.ask(
        """async () => {
            const all = [];
            for (let i = 0; i < 20; i++) all.push(await open_widget("latent_explorer", parse(saved)));
            await settle();
            const alive = [];
            for (const { root } of all) {
                root.scrollIntoView(); // what is off the screen is not drawn
                await settle();
                const canvas = root.querySelector(".vw-stage canvas");
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                if (data.some((value) => value !== data[0])) alive.push(root);
            }
            return alive.length;
        }"""
    )
    yield "20 widgets on one page", f"{drawn} drawn", "20 drawn"
    widget.close()


def saved_page(open_page: Callable[[], Page], name: str) -> Iterator[tuple[str, str, str]]:
    """The page of experiment A's two-dimensional model: 10,000 points."""
    data = vw.load_dataset(name, n_train=5_000)
    torch.manual_seed(0)
    run = vw.train(vw.MLPVAE(data.image_shape, 2), data, epochs=2, autosave=False).wait(progress=False)
    widget = vw.LatentScatter(run, points=10_000)
    state = widget.get_state()
    bare = {key: value for key, value in state.items() if not key.startswith("time_")}
    for what, one, target in (("", bare, "< 3.5 MB"), (" with its time line", state, "")):
        html = page_html([one], title="bench")
        yield f"saved page, 10,000 points{what}", f"{len(html.encode()) / 1e6:.2f} MB", target
    browser = open_page().page.context.browser
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page_html([bare], title="bench"), encoding="utf-8")
        taken = []
        for _ in range(5):
            page = browser.new_page(bypass_csp=True)  # else it may not wait inside the page
            page.goto(path.as_uri())
            page.wait_for_function("document.documentElement.vaewidgets?.ready === true")
            taken.append(page.evaluate("performance.now()"))
            page.close()
    yield "... interactive after (median of 5)", f"{np.median(taken):.0f} ms", "< 1,000 ms"
    widget.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="hovers")
    parser.add_argument("--seconds", type=float, default=6.0, help="of travelling points")
    parser.add_argument("--dataset", default="mnist", help="of the saved page")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if find_browser() is None:
        raise SystemExit("no browser on this machine")
    rows = []
    with new_page() as open_page:
        for part in (
            hovers(open_page, options.rounds),
            travels(open_page, options.seconds),
            saved_page(open_page, options.dataset),
            memory(open_page),
        ):
            for row in part:
                rows.append(row)
                print(f"{row[0]:58s} {row[1]:>46s}   {row[2]}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
