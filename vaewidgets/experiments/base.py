"""What an experiment is, as data: settings to train, published numbers to meet, claims to check, figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from vaewidgets.data import ImageDataset
from vaewidgets.errors import OptionError
from vaewidgets.models import build
from vaewidgets.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# "told": printed beside what was obtained, not judged; "not run": nothing was obtained
Verdict = Literal["met", "missed", "told", "not run"]


class NotRun(KeyError):
    """Asked for is a run that was not trained."""

    def __str__(self) -> str:
        """Name it, without KeyError's quotes."""
        return str(self.args[0])


class Runs(dict[str, Run]):
    """Runs by the names of their settings; one that is not there raises NotRun."""

    def __missing__(self, name: str) -> Run:
        raise NotRun(name)


@dataclass(frozen=True)
class Setting:
    """One run of an experiment.

    Attributes
    ----------
    name : str
        As in the published table.
    model : mapping
        Plain values for `vaewidgets.models.build`, without the image shape.
    train : mapping
        Options for `vaewidgets.train`.
    seed : int
        Of the weights.
    data : mapping, optional
        Options for `load_dataset` in place of the scale's own.
    """

    name: str
    model: Mapping[str, Any]
    train: Mapping[str, Any]
    seed: int = 0
    data: Mapping[str, Any] | None = None

    def build(self, data: ImageDataset) -> nn.Module:
        """Model with fresh weights for the images of `data`."""
        torch.manual_seed(self.seed)
        return build({**self.model, "image_shape": list(data.image_shape)})


@dataclass(frozen=True)
class Target:
    """A published number.

    Attributes
    ----------
    setting : str
    quantity : str
        "parameters", or a per-epoch column of the history ("train_loss", "test_kl").
    value : float
    tolerance : float or None
        Relative; 0 for exactly; None where the number is told, not judged.
    epoch : int or None
        Counted from 1; None for the last one.
    why : str
        Why it is not judged, or so wide.
    """

    setting: str
    quantity: str
    value: float
    tolerance: float | None
    epoch: int | None = None
    why: str = ""

    @property
    def what(self) -> str:
        """Setting, quantity and epoch, as one line."""
        epoch = "" if self.epoch is None else f", epoch {self.epoch}"
        return f"{self.setting}: {self.quantity}{epoch}"

    def obtained(self, run: Run) -> float:
        """The run's number, NaN where it did not train so far."""
        if self.quantity == "parameters":
            return float(sum(p.numel() for p in run.model.parameters()))
        values = run.history[self.quantity]
        index = len(values) if self.epoch is None else self.epoch
        return float(values[index - 1]) if 1 <= index <= len(values) else math.nan

    def row(self, run: Run) -> Row:
        """Compare with a run."""
        obtained = self.obtained(run)
        verdict: Verdict = "told"
        if self.tolerance is not None:
            close = abs(obtained - self.value) <= self.tolerance * abs(self.value)
            verdict = "met" if close else "missed"
        return Row(self.what, self.value, obtained, self.tolerance, verdict, self.why)


@dataclass(frozen=True)
class Row:
    """A line of the report.

    Attributes
    ----------
    what : str
    published, obtained : float, str or None
    tolerance : float or None
        Relative.
    verdict : {"met", "missed", "told", "not run"}
    remark : str
    """

    what: str
    published: float | str | None
    obtained: float | str | None
    tolerance: float | None
    verdict: Verdict
    remark: str = ""


@dataclass(frozen=True)
class Claim:
    """A sentence of the original that can be measured, at any scale.

    Attributes
    ----------
    text : str
    published : str
        How the original puts it.
    measure : callable
        Results to (what was seen, as text; whether the claim holds, or None where that is not to be judged).
    """

    text: str
    published: str
    measure: Callable[[Results], tuple[str, bool | None]]

    def row(self, results: Results) -> Row:
        """Check it; "not run" where it needs a run that was not trained."""
        try:
            seen, holds = self.measure(results)
        except NotRun as missing:
            return Row(self.text, self.published, None, None, "not run", f"{missing} was not trained")
        verdict: Verdict = "told" if holds is None else "met" if holds else "missed"
        return Row(self.text, self.published, seen, None, verdict)


@dataclass(frozen=True)
class Results:
    """What an experiment's runs left.

    Attributes
    ----------
    runs : mapping of str to Run
        By the setting's name.
    data : ImageDataset
        The scale's own.
    as_published : bool
        Whether data, length and size are the original's, so that what it claims of them can be judged.
    """

    runs: Mapping[str, Run]
    data: ImageDataset
    as_published: bool


@dataclass(frozen=True)
class Scale:
    """An experiment at one size.

    Attributes
    ----------
    data : mapping
        Options for `load_dataset`, its "name" among them.
    settings : sequence of Setting
    targets : sequence of Target
    """

    data: Mapping[str, Any]
    settings: Sequence[Setting]
    targets: Sequence[Target] = ()


@dataclass(frozen=True)
class Recipe:
    """A published experiment.

    Attributes
    ----------
    name : str
        One letter.
    title, source : str
        What it is, and where its numbers come from.
    scales : mapping of str to Scale
        "small" (scikit-learn's digits, under a minute on two cores) and "published".
    claims : sequence of Claim
    rows : callable
        Results to further rows of the report.
    figures : callable
        Results to (name, Figure) pairs.
    needs_gpu : bool
        Whether the published scale is out of reach of a CPU.
    """

    name: str
    title: str
    source: str
    scales: Mapping[str, Scale]
    claims: Sequence[Claim] = ()
    rows: Callable[[Results], list[Row]] = lambda _: []
    figures: Callable[[Results], Iterator[tuple[str, Figure]]] = lambda _: iter(())
    needs_gpu: bool = False

    def at(self, scale: str) -> Scale:
        """One of its scales; OptionError names those that there are."""
        if scale not in self.scales:
            raise OptionError(f"scale is {scale!r}; experiment {self.name} has {', '.join(self.scales)}.")
        return self.scales[scale]
