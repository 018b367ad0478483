"""The widgets in a real browser: hover to picture, frames a second, page size, memory.

    python -m tests.benchmarks.bench_page [--json FILE]

Needs a Chromium, without a GPU: drawing is software GL, as on Binder. Prints a table beside the targets.
Hover is the work from the pointer's event to the decoded image on its canvas, the wait for the screen's
next frame left out, in the page, with no kernel; frames a second are of points that travel.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

import vaewidgets as vw
from tests.benchmarks.page_host import Page, encoded, new_page, plain
from tests.browser.conftest import find_browser
from vaewidgets.contract.packing import pack_integers, pack_quantised
from vaewidgets.publish import page_html

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
        frame["scatter"] |= {"points": first, "labels": pack_integers(rng.integers(0, 10, n))}
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
    data = vw.load_dataset(name)
    data = data.subset(min(5_000, len(data.train)))
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
