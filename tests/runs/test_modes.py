"""An interrupt at either end of a block without gradients, or with draws of its own, leaves no mode."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

import vaewidgets as vw
from vaewidgets.adapters.thread_mode import ThreadMode

pytestmark = pytest.mark.usefixtures("plain_pictures", "feeds_rest_soon")
# What sets a mode and takes it back; and whether the interrupt comes before it did so, or after.
ENDS = [
    (kind, end, moment)
    for kind in (torch.no_grad, ThreadMode)
    for end, moment in (("__enter__", "after"), ("__exit__", "before"), ("__exit__", "after"))
]
BETWEEN = (contextlib.__file__, torch.utils._contextlib.__file__)  # the block and the mode
PACKAGE = os.sep + "vaewidgets" + os.sep
MOST = 12  # blocks of one call that are tried


class Mine(torch.nn.Module):
    """A model of somebody's, which draws when it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.enc, self.dec = torch.nn.Linear(64, 4), torch.nn.Linear(2, 64)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu, logvar = self.enc(x.flatten(1) + 0 * torch.rand(1)).chunk(2, 1)
        return mu, logvar

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.dec(z).sigmoid()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        mu, logvar = self.encode(x)
        return self.decode(mu + torch.randn_like(mu) * (logvar / 2).exp()), mu, logvar


@pytest.fixture(scope="module")
def data() -> vw.ImageDataset:
    return vw.load_dataset("digits", n_train=128, n_test=64, size=8)


class Made(NamedTuple):
    """A loop of somebody's with its widgets, and a run of ours with its own."""

    data: vw.ImageDataset
    folder: Path
    run: vw.Run
    ours: vw.Run
    explorer: vw.LatentExplorer
    microscope: vw.ElboMicroscope
    own_explorer: vw.LatentExplorer


def train(data: vw.ImageDataset) -> vw.Run:
    model = vw.MLPVAE((1, 8, 8), 2, hidden=(8,))
    return vw.train(model, data, epochs=1, autosave=False, start=False)


CALLS: dict[str, Callable[[Made], Any]] = {
    "attach": lambda on: vw.attach(Mine(), on.data).finish(),
    "audit": lambda on: on.run.audit(),
    "diagnose": lambda on: on.run.diagnose(),
    "stats": lambda on: on.run.stats(n=32),
    "snapshot": lambda on: on.run.snapshot().encoded("test"),
    "load_run": lambda on: vw.load_run(on.folder / "run.safetensors", data=on.data).close(),
    "train": lambda on: train(on.data).close(),
    "save_html": lambda on: on.explorer.save_html(on.folder / "page.html"),
    "save_html, train": lambda on: on.own_explorer.save_html(on.folder / "train.html", train=True),
    "SketchEncoder": lambda on: vw.SketchEncoder(on.run).close(),
    "ElboMicroscope": lambda on: on.microscope.pulls,
    "ArchitectureDiagram": lambda on: vw.ArchitectureDiagram().close(),
}


@pytest.fixture(scope="module")
def made(data: vw.ImageDataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("modes")
    run, ours = vw.attach(Mine(), data), train(data)
    run.log(loss=40.0, recon=39.0, kl=1.0)
    ours.save(folder / "run.safetensors")
    widgets = vw.LatentExplorer(run), vw.ElboMicroscope(run), vw.LatentExplorer(ours)
    yield Made(data, folder, run, ours, *widgets)
    for widget in widgets:
        widget.close()
    run.finish()
    ours.close()


class Planted:
    """Raises an interrupt at the n-th of such ends of blocks of this package; `where` that was."""

    def __init__(self, patch: pytest.MonkeyPatch, kind: type, end: str, moment: str, n: int) -> None:
        self.seen, self.where, original = 0, "", getattr(kind, end)

        def planted(mode: Any, *args: Any) -> Any:
            block: Any = sys._getframe(1)
            while block.f_code.co_filename in BETWEEN:
                block = block.f_back
            in_main = threading.current_thread() is threading.main_thread()  # where interrupts come
            if not in_main or PACKAGE not in block.f_code.co_filename:
                return original(mode, *args)
            self.seen += 1
            self.where = self.where or f"{block.f_code.co_filename}:{block.f_lineno}" * (self.seen == n)
            if self.seen == n and moment == "before":
                raise KeyboardInterrupt
            result = original(mode, *args)
            if self.seen == n:
                raise KeyboardInterrupt
            return result

        patch.setattr(kind, end, planted)


@pytest.mark.parametrize("name", CALLS)
def test_torch_s_modes_are_as_they_were(name: str, made: Made) -> None:
    tried, left = 0, []
    for kind, end, moment in ENDS:
        for n in range(1, MOST + 1):
            with pytest.MonkeyPatch.context() as patch:
                planted = Planted(patch, kind, end, moment, n)
                try:
                    CALLS[name](made)
                except KeyboardInterrupt:
                    tried += 1
                except Exception:
                    if planted.seen < n:
                        raise
            if planted.seen < n:
                break
            depth = torch._C._len_torch_dispatch_stack()
            if not torch.is_grad_enabled() or depth:
                left.append(f"{kind.__name__}.{end}, {moment}: {planted.where}")
                torch.set_grad_enabled(True)
                for _ in range(depth):
                    torch._C._pop_torch_dispatch_stack()
    assert left == [], "\n".join(left)
    assert tried > 0


def test_each_such_block_of_the_caller_s_thread_is_guarded() -> None:
    """What trains in a thread of ours, and models, which are anybody's, are left out."""
    root = Path(vw.__file__).parent
    block = re.compile(r"(with .*|@)(torch\.(no_grad|enable_grad|set_grad_enabled)|seeded)\(")
    found = []
    for path in root.rglob("*.py"):
        if path.relative_to(root).parts[0] in ("engine", "models"):
            continue
        lines = path.read_text("utf-8").splitlines()
        found += [
            f"{path.relative_to(root)}: {line.strip()}"
            for before, line in pairwise(["", *lines])
            if block.match(line.strip()) and "restored_modes(), " not in line and "@restored" not in before
        ]
    assert found == []
