"""A cloud of points in a real browser: `LatentScatter` beside jupyter-scatter.

    python -m tests.benchmarks.bench_scatter [--rounds 3] [--points 10000 70000 1000000] [--json FILE]

Needs a Chromium, without a GPU: ours draws with the processor, jupyter-scatter with WebGL, then software too.
Each is opened in fresh pages of one browser, in turns, over as large an area, with the same points of ten
classes, of the same diameter; all else is at its defaults. Each gets the very messages that its Python sends.

- First picture: from the call of its `render` to the browser's next frame after the points were drawn.
- New positions: from their message to the next frame after the first of their travel, which takes 700 ms.
- Frames a second: by the median time between two; of that travel, and while a wheel zooms in and out, one
  event a frame. A browser makes 60 at most.
- Kilobytes: of the messages with new positions; of program and style sheet, which are sent once.

Not compared: the kernel's time, the way from the kernel to the page, a machine with a GPU, and what only one
of them does. Ours also sends each point's posterior variance, and draws axes, circles and names with the
points; jupyter-scatter indexes the points with each message, enlarges them on zooming, and first draws a
picture as large as the window (1200 x 900), whatever its own size.
"""

from __future__ import annotations

import argparse
import base64
import importlib.metadata
import importlib.util
import json
import math
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vaewidgets as vw
from tests.benchmarks.page_host import Page, new_page
from tests.benchmarks.setting import machine, ratio
from tests.browser.conftest import find_browser
from vaewidgets.contract.packing import pack_integers, pack_quantised

OURS, PEER = "LatentScatter", "jupyter-scatter"
TRAVEL_MS = 700  # the longest of ours; a setting of jupyter-scatter's
CLASSES = 10
PROGRAM = ("_esm", "_css")

# What is printed of a round, its key, whether more of it is better.
MEASURED = (
    ("first picture, ms", "first_ms", False),
    ("new positions begin to travel, ms", "answer_ms", False),
    ("frames a second, travelling", "travelling", True),
    ("frames a second, zooming", "zooming", True),
)

Points = NDArray[np.float32]  # (n, 2)

MEASURE = """async ([name, selector, seconds]) => {
  // Both draw points elsewhere and lay them over what is seen by one call: these are counted, one a frame.
  const shown = [];
  let area = null, counted = null;
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...given) {
    draw.apply(this, given);
    area = given.slice(-2);
    if (counted === document.timeline.currentTime) return;
    counted = document.timeline.currentTime;
    requestAnimationFrame(() => shown.push(performance.now()));
  };
  const next = async (count, what) => {
    for (const begun = performance.now(); shown.length <= count; await frame()) {
      if (performance.now() - begun > 120_000) throw new Error(`${name}: nothing was drawn of ${what}`);
    }
  };
  const quiet = async () => {
    for (let rested = 0, count = shown.length; rested < 30; rested++) {
      await frame();
      if (shown.length > count) [rested, count] = [0, shown.length];
    }
  };
  const rate = (times) => 1000 / quantiles(times.slice(1).map((t, i) => t - times[i]), 0.5)[0];

  const { opened, changes } = await given(), saved = parse(opened);
  await import(`/${name}.js`);
  let begun = performance.now();
  const one = await open_widget(name, saved);
  await next(0, "the first picture");
  const first_ms = shown[0] - begun;
  await quiet();

  const answers = [], travels = [];
  for (const messages of changes) {
    const news = messages.map(parse), before = shown.length;
    begun = performance.now();
    for (const message of news) one.model.receive(message);
    await next(before, "new positions");
    await quiet();
    answers.push(shown[before] - begun);
    travels.push(rate(shown.slice(before)));
  }

  const target = one.el.querySelector(selector), { x, y, width, height } = target.getBoundingClientRect();
  const at = { clientX: x + width / 2, clientY: y + height / 2, bubbles: true, cancelable: true };
  const before = shown.length;
  begun = performance.now();
  for (let turn = 0; performance.now() - begun < 1000 * seconds || shown.length < before + 4; turn++) {
    const deltaY = turn % 40 < 20 ? -8 : 8;
    target.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY, ctrlKey: true }));
    await frame();
  }
  const zooming = rate(shown.slice(before));
  one.close();
  const mean = (list) => list.reduce((a, b) => a + b) / list.length;
  return { area, first_ms, answer_ms: mean(answers), travelling: mean(travels), zooming };
}"""


class Sent:
    """What a widget without a kernel would have sent: its messages, and their bytes."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.size = self.bundle = 0

    def __call__(self, _: str, data: Any, metadata: Any = None, buffers: Any = None, **__: Any) -> None:
        """Take a message, as a comm does; the program and its style sheet are counted apart."""
        if data.get("method") != "update":
            return  # it closes
        state = {key: value for key, value in data["state"].items() if key not in PROGRAM}
        found = [memoryview(buffer) for buffer in buffers or []]
        self.size += len(json.dumps({**data, "state": state})) + sum(one.nbytes for one in found)
        self.bundle += sum(len(data["state"].get(key, "").encode()) for key in PROGRAM)
        texts = [base64.b64encode(one).decode() for one in found]
        paths = data.get("buffer_paths", [])
        self.messages.append({"state": state, "buffers": list(zip(paths, texts, strict=True))})


class Cloud:
    """Points (n, 2) of ten classes on a ring, and the same classes half a place further on."""

    def __init__(self, n: int) -> None:
        self.n = n
        self._random = np.random.default_rng(0)
        self.labels = self._random.integers(0, CLASSES, n).astype(np.int32)
        self.here, self.there = self._turned(0.0), self._turned(0.5)

    def _turned(self, places: float) -> Points:
        angle = 2 * math.pi * (self.labels + places) / CLASSES
        centers = 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return (centers + self._random.normal(0, 0.5, (self.n, 2))).astype(np.float32)

    @property
    def diameter_px(self) -> float:
        """Of a point, as our scatter draws so many (`pointRadius`)."""
        return 3.8 if self.n <= 100_000 else 2.6 if self.n <= 300_000 else 1.6


@dataclass
class Contender:
    """A widget as a page gets it."""

    module: str
    selector: str  # what the wheel is turned over
    saved: Path  # JSON: the widget's state, and two lists of messages: other positions, the first ones again
    change_bytes: int
    bundle_bytes: int
    files: tuple[Path, Path] | None = None  # module and style sheet of another project


def contender(
    widget: Any, send: Callable[[Points], None], cloud: Cloud, *, folder: Path, module: str, selector: str
) -> Contender:
    """Keep what `widget` sends when it opens, and by `send` when its points are elsewhere and back again."""
    opened, there, here = Sent(), Sent(), Sent()
    widget.comm.publish_msg = opened
    widget.send_state()
    for sent, points in ((there, cloud.there), (here, cloud.here)):
        widget.comm.publish_msg = sent
        send(points)
    widget.close()
    (state,) = opened.messages
    saved = folder / f"{module}.json"
    saved.write_text(json.dumps({"opened": state, "changes": [there.messages, here.messages]}))
    return Contender(module, selector, saved, there.size, opened.bundle)


def ours(cloud: Cloud, folder: Path) -> Contender:
    """Frames of a widget of ours, with the cloud in place of its run's latents."""
    data = vw.load_dataset("digits")
    run = vw.train(vw.MLPVAE(data.image_shape, 2), data, start=False, autosave=False)
    widget = vw.LatentScatter(run)
    labels = pack_integers(cloud.labels)
    spread = pack_quantised(np.tile([0.01, 0.0, 0.01], (cloud.n, 1)))

    def send(points: Points) -> None:
        frame = dict(widget.frame or {})
        moved = {"points": pack_quantised(points), "labels": labels, "spread": spread}
        scatter = {**frame["scatter"], **moved}
        widget._publish({"frame": {**frame, "seq": frame["seq"] + 1, "scatter": scatter}})

    send(cloud.here)
    return contender(
        widget, send, cloud, folder=folder, module="latent_scatter", selector=".vw-scatter-overlay"
    )


def jupyter_scatter(cloud: Cloud, folder: Path, area: list[int]) -> Contender:
    """As its documentation shows, colored by class; size, diameter and duration as ours are."""
    import jscatter
    import pandas as pd

    labels = pd.Categorical(cloud.labels)

    def table(points: Points) -> Any:
        return pd.DataFrame({"z1": points[:, 0], "z2": points[:, 1], "label": labels})

    width, height = area  # its axes lie outside
    how: dict[str, Any] = {"x": "z1", "y": "z2", "color_by": "label", "width": width, "height": height}
    scatter = jscatter.Scatter(data=table(cloud.here), **how)
    scatter.size(default=cloud.diameter_px)
    scatter.options(transition_points_duration=TRAVEL_MS)

    def send(points: Points) -> None:
        scatter.data(table(points), animate=True)

    found = contender(scatter.widget, send, cloud, folder=folder, module="jscatter", selector="canvas")
    program = Path(jscatter.__file__).parent
    found.files = (program / "bundle.js", program / "bundle.css")
    return found


def measure(open_page: Callable[[], Page], one: Contender, seconds: float) -> dict[str, Any]:
    """Measure in a fresh page; the area, in pixels, is that of the points."""
    page = open_page()
    if one.files:
        page.add_module(one.module, *one.files)
    page.give(one.saved)
    found = page.ask(MEASURE, [one.module, one.selector, seconds])
    page.page.close()
    return found


def has_peer() -> bool:
    return importlib.util.find_spec("jscatter") is not None


def compare(points: list[int], rounds: int, seconds: float) -> Iterator[tuple[int, dict[str, Any]]]:
    """For each number of points: of each contender the bytes, and what each round measured."""
    with new_page() as open_page, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        # Where the other is to be as large; the first page also starts the browser's processes.
        area = measure(open_page, ours(Cloud(points[0]), folder), 0)["area"]
        for n in points:
            cloud = Cloud(n)
            contenders = {OURS: ours(cloud, folder)}
            if has_peer():
                contenders[PEER] = jupyter_scatter(cloud, folder, area)
            table: dict[str, Any] = {
                name: {"update_kb": one.change_bytes / 1e3, "bundle_kb": one.bundle_bytes / 1e3, "rounds": []}
                for name, one in contenders.items()
            }
            for _ in range(rounds):
                for name, one in contenders.items():
                    found = measure(open_page, one, seconds)
                    if found["area"] != area:
                        raise SystemExit(f"{name} draws on {found['area']} pixels; wanted {area}")
                    table[name]["rounds"].append(found)
            yield n, table


def show(n: int, table: dict[str, Any]) -> None:
    """Print medians over the rounds, and the median of the rounds' ratios: how much better ours is."""
    for what, key, more_is_better in MEASURED:
        rows = {name: [found[key] for found in one["rounds"]] for name, one in table.items()}
        texts = "".join(f"{statistics.median(row):>17,.1f}" for row in rows.values())
        if PEER in rows:
            better, worse = (OURS, PEER) if more_is_better else (PEER, OURS)
            texts += f"{ratio(rows[better], rows[worse]):>12.2f}"
        print(f"{n:>10,}  {what:36}{texts}")
    for key, what in (("update_kb", "kB of new positions"), ("bundle_kb", "kB of the program")):
        print(f"{n:>10,}  {what:36}" + "".join(f"{one[key]:>17,.1f}" for one in table.values()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="fresh pages of each (default 3)")
    parser.add_argument("--points", type=int, nargs="+", default=[10_000, 70_000, 1_000_000])
    parser.add_argument("--seconds", type=float, default=2.0, help="of zooming")
    parser.add_argument("--json", type=Path, help="also write the result there")
    arguments = parser.parse_args()
    if find_browser() is None:
        raise SystemExit("no browser on this machine")
    result: dict[str, Any] = {"machine": machine(), "points": {}}
    if has_peer():
        result["peer"] = importlib.metadata.version(PEER)
        print(f"{PEER} {result['peer']}")
    else:
        print(f"{PEER} is not installed")
    print(f"{'points':>10}  {'':36}{OURS:>17}" + (f"{PEER:>17}{'x as good':>12}" if has_peer() else ""))
    for n, table in compare(arguments.points, arguments.rounds, arguments.seconds):
        result["points"][str(n)] = table
        show(n, table)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
