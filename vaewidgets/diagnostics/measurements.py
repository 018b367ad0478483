"""The few numbers of a run that a diagnosis rests on, made so that they need no scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vaewidgets.diagnostics.stats import RunStats
from vaewidgets.errors import DivergedError
from vaewidgets.objectives import TERMS

_NAN = float("nan")
_FEWEST_STEPS = 10  # below, a curve has no halves to compare
_LASTING = 10  # steps in a row that are not finite: this is no single batch that a loop skips


@dataclass(frozen=True)
class NotFinite:
    """Steps of which a loop logged a term as NaN or infinite.

    Attributes
    ----------
    count : int
        How many.
    step, term : int, str
        The first one, and its term.
    last : int
        The newest one.
    streak : int
        How many of them are the newest steps of all; 0 where the newest step is finite.
    since, since_term : int, str
        The first of those, and its term.
    ended : bool
        Whether no step is to come.
    """

    count: int = 0
    step: int = -1
    term: str = ""
    last: int = -1
    streak: int = 0
    since: int = -1
    since_term: str = ""
    ended: bool = False

    @property
    def lasts(self) -> bool:
        """Whether there has been no finite step for long, or at the end."""
        return self.streak >= (1 if self.ended else _LASTING)

    def sentence(self) -> str:
        """Say which steps, and what becomes of them."""
        if self.count == 1:
            what = f"{self.term} was NaN or infinite at step {self.step:,}"
        elif self.count == self.streak:
            what = (
                f"{self.term} was NaN or infinite at step {self.step:,}, and so was a term of each of the "
                f"{self.count - 1:,} steps since"
            )
        else:
            what = (
                f"a term was NaN or infinite at {self.count:,} steps: first {self.term} at step "
                f"{self.step:,}, last at step {self.last:,}"
            )
        return f"{what}; left out of the curves"


@dataclass(frozen=True)
class Measurements:
    """What was measured; NaN or None where it is unknown.

    Attributes
    ----------
    n_steps : int
        Steps recorded.
    diverged : str
        What went wrong, empty if nothing did.
    worse : float
        The last losses over the first one.
    falling : float
        What the second half of the steps gained over all that was gained, 0 (level) to 1. Losses are compared
        at the beta now in force, so that a schedule is not taken for learning.
    excess : float
        (test recon − training recon) / (recon at the start − training recon), of the last epoch.
    recon, kl : float
        Of the newest steps, in the likelihood's unit and in nats.
    beta, lr : float
        Now in force.
    train_explained, explained : float
        Share of the pixels' variance that is reproduced, on training and on test images.
    gap : float
        Variance left unexplained on test images over that on training images.
    used, latent_dim : int or None
        Units active by KL and by Var(mu); of how many.
    off_prior : float
        KL of the aggregate posterior from the prior, by moments, in nats per active unit.
    has_variance : bool
        Whether the model has a posterior variance, and with it a KL.
    test_name : str
        What the test split is called.
    unit : str
        Of recon; empty where it is not known.
    """

    n_steps: int
    diverged: str
    worse: float
    falling: float
    excess: float
    recon: float
    kl: float
    beta: float
    lr: float
    train_explained: float
    explained: float
    gap: float
    used: int | None
    latent_dim: int | None
    off_prior: float
    has_variance: bool = True
    test_name: str = "test"
    unit: str = ""

    @property
    def test_images(self) -> str:
        """What images of the test split are called."""
        return "test images" if self.test_name == "test" else f"images {self.test_name},"

    @property
    def too_short(self) -> bool:
        """Whether there are too few steps to tell a falling loss from a level one."""
        return self.n_steps < _FEWEST_STEPS


def measure(
    history: Mapping[str, np.ndarray],
    stats: RunStats | None,
    error: BaseException | None = None,
    not_finite: NotFinite | None = None,
) -> Measurements:
    """Measure curves, and take over what was measured on the model."""
    loss, recon, kl, beta = _terms(history)
    worse = falling = excess = _NAN
    if len(loss) >= _FEWEST_STEPS:
        worse, falling = _course(loss, recon, kl, beta)
        excess = _excess(history, recon[0])
    has_terms = len(_column(history, "recon")) > 0 and len(_column(history, "kl")) > 0
    recent = slice(-max(1, len(loss) // 20), None)
    units = None if stats is None else stats.units
    used = None if units is None else int((units.by_kl & units.by_var).sum())
    return Measurements(
        n_steps=len(loss),
        diverged=_divergence(history, error, not_finite),
        worse=worse,
        falling=falling,
        excess=excess,
        recon=float(recon[recent].mean()) if has_terms and len(recon) else _NAN,
        kl=float(kl[recent].mean()) if has_terms and len(kl) else _NAN,
        beta=beta,
        lr=_last(history, "lr"),
        train_explained=_NAN if stats is None else stats.train_explained,
        explained=_NAN if stats is None else stats.explained,
        gap=_NAN if stats is None or not stats.n_test else stats.gap,
        used=used,
        latent_dim=None if units is None else units.latent_dim,
        off_prior=_NAN if stats is None or not used else stats.marginal_kl / used,
        # a KL that is 0 to the last digit at every step is none
        has_variance=bool(kl.any()) if stats is None else units is not None,
        test_name="test" if stats is None else stats.test_name,
        unit="" if stats is None else stats.value_unit,
    )


def _terms(history: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """loss, recon and kl at the steps that have them all; beta now in force (1 where none was recorded)."""
    beta = _last(history, "beta")
    columns = [_column(history, name) for name in TERMS]
    if len(columns[0]) and not (len(columns[1]) and len(columns[2])):
        # a loop that logs its loss alone: its course is known, its terms are not
        columns[1:] = columns[0], np.zeros_like(columns[0])
    n = min(map(len, columns))
    table = np.stack([column[:n] for column in columns])
    loss, recon, kl = table[:, np.isfinite(table).all(axis=0)]
    return loss, recon, kl, beta


def _course(loss: np.ndarray, recon: np.ndarray, kl: np.ndarray, beta: float) -> tuple[float, float]:
    # An objective with more terms than these two is compared by them alone.
    course = recon + (1.0 if np.isnan(beta) else beta) * kl
    n = len(course)
    width = max(1, n // 10)
    first = n // 2 - width // 2
    start, middle, end = course[0], course[first : first + width].mean(), course[-width:].mean()
    gained = max(start, middle) - end
    falling = (middle - end) / gained if gained > 0 else 0.0
    return float(loss[-width:].mean() / loss[0]) if loss[0] > 0 else _NAN, float(np.clip(falling, 0.0, 1.0))


def _excess(history: Mapping[str, np.ndarray], start: float) -> float:
    train, test = _last(history, "train_recon"), _last(history, "test_recon")
    gained = start - train
    return (test - train) / gained if gained > 0 else _NAN


def _divergence(
    history: Mapping[str, np.ndarray], error: BaseException | None, not_finite: NotFinite | None
) -> str:
    if isinstance(error, DivergedError):
        return f"the {error.term} became NaN or infinite at step {error.step}"
    if not_finite is not None:  # who logged the history knows which of its gaps were values
        if not not_finite.lasts:
            return ""
        return f"the {not_finite.since_term} became NaN or infinite at step {not_finite.since}"
    for name in TERMS:
        values = _column(history, name)
        # NaN alone means that a step recorded no value, unless it is where the record ends.
        bad = np.flatnonzero(np.isinf(values))
        if not len(bad) and len(values) and np.isnan(values[-1]) and np.isfinite(values).any():
            bad = np.flatnonzero(np.isfinite(values))[-1:] + 1
        if len(bad):
            steps = history["step"] if "step" in history else np.arange(len(values))
            return f"the {name} became NaN or infinite at step {int(steps[bad[0]])}"
    return ""


def _last(history: Mapping[str, np.ndarray], name: str) -> float:
    """Newest known value of a column, NaN if there is none."""
    values = _column(history, name)
    values = values[np.isfinite(values)]
    return float(values[-1]) if len(values) else _NAN


def _column(history: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    return np.asarray(history[name], np.float64) if name in history else np.empty(0)
