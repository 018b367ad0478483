"""A VQ-VAE's codes: how much each is used, how many in effect, and what each decodes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.checks import whole
from vaewidgets.contract.frame import Sections
from vaewidgets.contract.packing import pack
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.run_widget import RunWidget, sample_of
from vaewidgets.models import VQVAE, perplexity
from vaewidgets.runs import Run
from vaewidgets.sections.state import to_u8
from vaewidgets.widgets.reconstruction_grid import pick_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_BYTES = 800_000  # of what the codes decode to
MOST_HISTORY = 256
CHUNK = 512


class CodebookUsage(RunWidget):
    """Use of each code over the images, perplexity against the number of codes, dead codes.

    Point at a code to see what it decodes to, and where the images use it.

    Parameters
    ----------
    run : Run
        Of a `VQVAE`; other models have no codebook and are refused.
    images : int, default 2000
        Over how many images of the training split codes are counted, evenly spread; an epoch's worth where
        it has no more.
    examples : int, default 8
        Images whose codes are shown in place.

    Notes
    -----
    What a code decodes to is the image of a grid that holds it everywhere; the most used codes have theirs
    where a large codebook does not fit into 800 kB.

    Key of the view: `code` (number of the code that is looked at, or None).

    References
    ----------
    van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937.
    """

    _esm = STATIC / "codebook_usage.js"
    _view_keys: ClassVar[tuple[str, ...]] = ("code",)

    def __init__(self, run: Run, *, images: int = 2000, examples: int = 8) -> None:
        whole("images", images, 1)
        whole("examples", examples, 1)
        (run,) = self._checked_runs(run)
        if not isinstance(run.model, VQVAE):
            raise OptionError(
                f"CodebookUsage(run) got a run of {type(run.model).__name__}, which has no codebook; "
                "expected one of a VQVAE: vw.train(vw.VQVAE(data.image_shape), data)."
            )
        train = run.data.train
        count = min(images, len(train))
        self._x = train.images(np.linspace(0, len(train) - 1, count).round().astype(np.int64))
        self._shown = sample_of(run)
        self._index = pick_images(self._shown, examples)
        self._history: list[tuple[int, float, int]] = []
        self._every = 1
        super().__init__(run)

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        model: Any = snapshot.model
        device = model.codes_table.device
        counts = model.code_use(part.to(device) for part in self._x.split(CHUNK)).counts
        used = int((counts > 0).sum())
        effective = perplexity(counts)
        self._note(snapshot.step, effective, used)
        order = torch.argsort(counts, descending=True, stable=True)
        with restored_modes(), torch.no_grad():
            examples = model.codes(self._shown.images[self._index].to(device)).cpu()
        steps, perplexities, used_codes = zip(*self._history, strict=True)
        shown = order[: self._fit(run, model.n_codes)].sort().values
        return {
            "codes": {
                "step": snapshot.step,
                "n_codes": model.n_codes,
                "grid": list(model.grid),
                "counts": pack(counts.numpy(), "i32"),
                "perplexity": effective,
                "n_used": used,
                "n_images": len(self._x),
                "shown": pack(shown.numpy(), "i32"),
                "pictures": pack(self._pictures(snapshot, shown), "u8"),
                "examples": pack(self._shown.images_u8[self._index].numpy(), "u8"),
                "example_codes": pack(examples.numpy(), "i32"),
                "history": {
                    "step": pack(np.array(steps), "i32"),
                    "perplexity": pack(np.array(perplexities), "f32"),
                    "used": pack(np.array(used_codes), "i32"),
                },
            }
        }

    def _pictures(self, snapshot: Snapshot, codes: torch.Tensor) -> np.ndarray:
        """What grids that hold one code everywhere decode to: uint8, shape (k, C, H, W)."""
        model: Any = snapshot.model
        grid = codes.to(model.codes_table.device)[:, None, None].expand(-1, *model.grid)
        with restored_modes(), torch.no_grad():
            decoded = [model.decode_codes(part) for part in grid.split(CHUNK)]
        return to_u8(snapshot.data, torch.cat(decoded))

    def _fit(self, run: Run, n_codes: int) -> int:
        return max(1, min(n_codes, PICTURE_BYTES // max(1, int(np.prod(run.data.image_shape)))))

    def _note(self, step: int, effective: float, used: int) -> None:
        """Keep perplexity and used codes over training, in at most `MOST_HISTORY` records."""
        if self._history and step <= self._history[-1][0]:
            self._history[-1] = (step, effective, used)
            return
        # the newest is always there; it gives way to the next where it came too soon after the one before
        if len(self._history) > 1 and self._history[-1][0] - self._history[-2][0] < self._every:
            self._history.pop()
        self._history.append((step, effective, used))
        if len(self._history) > MOST_HISTORY:
            self._history = self._history[::2]
            self._every = 2 * (step // len(self._history) + 1)

    def _check_view(self, key: str, value: Any) -> None:
        if key == "code" and value is not None:
            model: Any = self.run.model
            whole(key, value, 0, model.n_codes - 1)

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Use by code, and perplexity over training, for print; see `LiveWidget.figure`."""
        from vaewidgets.figures import codebook_figure

        return codebook_figure((self.frame or {})["codes"], size=size or self._figure_size)
