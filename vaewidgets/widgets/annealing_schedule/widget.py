"""The weight of the KL over training, drawn by hand or set by a controller."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, final

from vaewidgets.checks import one_of, whole
from vaewidgets.contract.packing import pack
from vaewidgets.errors import OptionError
from vaewidgets.live.bundle import STATIC
from vaewidgets.live.concept import ConceptWidget, number
from vaewidgets.objectives import (
    GECO,
    Constant,
    Cyclical,
    LinearWarmup,
    Schedule,
    TargetKL,
)
from vaewidgets.runs import Run
from vaewidgets.widgets.annealing_schedule.example import answer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BETA = 10
_MOST_STEPS = 1_000_000
_RECORDED_POINTS = 500
_KINDS = ("constant", "linear", "cyclical", "target_kl", "geco")


@final
class AnnealingSchedule(ConceptWidget):
    """beta(t), the weight of the KL: constant, warmed up, in cycles, or as a target asks; take it to `train`.

    Parameters
    ----------
    schedule : {"constant", "linear", "cyclical", "target_kl", "geco"} or Schedule, default "linear"
        One of `Constant`, `LinearWarmup`, `Cyclical`, `TargetKL` and `GECO` brings its own numbers.
    start, end : float, default 0 and 1
        Between 0 and 10.
    steps : int, default 1000
        Of the whole training.
    cycles : int, default 4
        How often a cyclical schedule starts again, 1 to 20.
    ratio : float, default 0.5
        Share of the training, or of a cycle, in which beta rises; up to 1.
    recon, kl : float, default 0.4 and 1.2
        Two costs that are held fixed, to isolate the effect of beta on the loss.
    target_kl : float, default 20
        KL that "target_kl" holds, in nats an image, above 0.
    target_recon : float, default 90
        recon that "geco" holds, in nats an image.
    at : int, default 0
        The step that is read.
    run : Run, optional
        Its recorded beta, and KL or recon, are drawn beside; it gives `steps`, `recon` and `kl` if none
        are given.

    Attributes
    ----------
    schedule : Schedule
        What is drawn: ``vw.train(model, data, beta=widget.schedule)``.

    Notes
    -----
    Keys of `view`: `kind` (as `schedule`, in words) and the other parameters but `run`, by their names.

    What "target_kl" and "geco" do depends on the terms of the run. An example is drawn, with a
    rate-distortion curve of the size of MNIST's; its KL goes a fiftieth of the way to its optimum each step.

    References
    ----------
    Bowman et al. 2016, arXiv:1511.06349 (warm-up); Fu et al. 2019, arXiv:1903.10145 (cycles);
    Shao et al. 2020, arXiv:2004.05988 (a target for the KL); Rezende & Viola 2018, arXiv:1810.00597 (GECO).

    Examples
    --------
    >>> AnnealingSchedule("linear", steps=20, ratio=0.5).schedule    # doctest: +SKIP
    LinearWarmup(start=0.0, end=1.0, steps=10)
    """

    _esm = STATIC / "annealing_schedule.js"
    _keys: ClassVar = {
        "kind": partial(one_of, known=_KINDS),
        "start": partial(number, least=0, most=_MOST_BETA),
        "end": partial(number, least=0, most=_MOST_BETA),
        "steps": partial(whole, least=1, most=_MOST_STEPS),
        "cycles": partial(whole, least=1, most=20),
        "ratio": partial(number, least=0.001, most=1),
        "recon": partial(number, least=0, most=1e6),
        "kl": partial(number, least=0, most=1e6),
        "at": partial(whole, least=0, most=_MOST_STEPS),
        "target_kl": partial(number, least=1e-3, most=1e6),
        "target_recon": partial(number, least=-1e6, most=1e6),
    }

    def __init__(
        self,
        schedule: str | Schedule = "linear",
        *,
        start: float = 0.0,
        end: float = 1.0,
        steps: int | None = None,
        cycles: int = 4,
        ratio: float = 0.5,
        recon: float | None = None,
        kl: float | None = None,
        at: int = 0,
        target_kl: float = 20.0,
        target_recon: float = 90.0,
        run: Run | None = None,
    ) -> None:
        if run is not None and not isinstance(run, Run):
            raise OptionError(f"AnnealingSchedule(run=...) got {type(run).__name__}; expected a run or None.")
        self._run = run
        held = _held(run)
        view: dict[str, Any] = {
            "kind": schedule,
            "start": start,
            "end": end,
            "steps": held["steps"] if steps is None else steps,
            "cycles": cycles,
            "ratio": ratio,
            "recon": held["recon"] if recon is None else recon,
            "kl": held["kl"] if kl is None else kl,
            "at": at,
            "target_kl": target_kl,
            "target_recon": target_recon,
        }
        if isinstance(schedule, Schedule):
            view |= _settings(schedule, view["steps"] if steps is not None or run is not None else None)
        super().__init__(view)

    @property
    def schedule(self) -> Schedule:
        """What is drawn, for ``vw.train(model, data, beta=...)``."""
        return _schedule_of(self.view)

    def code(self) -> str:
        """Return the line of Python that makes the schedule."""
        values = self.schedule.to_dict() or {}
        match values.pop("kind"):
            case "constant":
                return f"vw.Constant({values['value']:.12g})"
            case "target_kl":
                return f"vw.TargetKL({values['kl']:.12g})"
            case "geco":
                return f"vw.GECO(recon={values['recon']:.12g})"
            case "linear_warmup":
                name = "LinearWarmup"
            case _:
                name = "Cyclical"
        return f"vw.{name}({', '.join(f'{key}={value:.12g}' for key, value in values.items())})"

    def _view_changed(self, key: str, value: Any) -> None:
        if self._run is not None:
            self._show()  # with what the run has recorded since

    def _content(self) -> dict[str, Any]:
        run = self._run
        if run is None:
            return {"recorded": None}
        beta = run.recorder.curve("beta", _RECORDED_POINTS)
        recon, kl = (run.recorder.curve(name, _RECORDED_POINTS) for name in ("recon", "kl"))
        if not len(beta.step):
            return {"recorded": None}
        return {
            "recorded": {
                "name": run.name,
                "step": pack(beta.step, "f32"),
                "beta": pack(beta.mean, "f32"),
                "kl_step": pack(kl.step, "f32"),
                "kl": pack(kl.mean, "f32"),
                "recon_step": pack(recon.step, "f32"),
                "recon": pack(recon.mean, "f32"),
            }
        }

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Beta, and the loss if recon and KL stayed constant, for print; see `LiveWidget.figure`.

        Of "target_kl" and "geco": beta, and the term that the example holds.
        """
        from vaewidgets.figures import annealing_figure

        steps = int(self.view["steps"])
        at = sorted({round(i * (steps - 1) / 600) for i in range(601)}) if steps > 1 else [0, 1]
        schedule, recorded = self.schedule, (self.frame or {}).get("recorded")
        if not schedule.reads_terms:
            values = [schedule(step) for step in at]
            return annealing_figure(at, values, self.view, recorded=recorded, size=size or (6.4, 4.2))
        followed = answer(schedule, steps)
        last = len(followed.beta) - 1
        name = "kl" if self.view["kind"] == "target_kl" else "recon"
        held = (name, [getattr(followed, name)[min(step, last)] for step in at])
        values = [followed.beta[min(step, last)] for step in at]
        return annealing_figure(at, values, self.view, held=held, recorded=recorded, size=size or (6.4, 4.2))

    def __repr__(self) -> str:
        return f"AnnealingSchedule({_schedule_of(self._start).describe()})"


def _schedule_of(view: dict[str, Any]) -> Schedule:
    """Return the schedule of a view; schedules.js makes the same."""
    ends = {"start": float(view["start"]), "end": float(view["end"])}
    match view["kind"]:
        case "constant":
            return Constant(ends["end"])
        case "linear":
            return LinearWarmup(**ends, steps=_at_least_one(view["ratio"] * view["steps"]))
        case "target_kl":
            return TargetKL(float(view["target_kl"]))
        case "geco":
            return GECO(float(view["target_recon"]))
        case _:
            period = _at_least_one(view["steps"] / view["cycles"])
            return Cyclical(**ends, period=period, rise=float(view["ratio"]))


def _at_least_one(value: float) -> int:
    return max(1, math.floor(value + 0.5))


def _settings(schedule: Schedule, steps: int | None) -> dict[str, Any]:
    """Return what the sliders say of a schedule; its own length decides where `steps` is None."""
    match schedule:
        case Constant():
            return {"kind": "constant", "end": schedule.value}
        case LinearWarmup():
            whole_training = steps or 2 * schedule.steps
            own = {"start": schedule.start, "end": schedule.end, "steps": whole_training}
            return {"kind": "linear", **own, "ratio": min(1.0, schedule.steps / whole_training)}
        case Cyclical():
            cycles = max(1, round(steps / schedule.period)) if steps else 4
            own = {"start": schedule.start, "end": schedule.end, "steps": cycles * schedule.period}
            return {"kind": "cyclical", **own, "cycles": cycles, "ratio": schedule.rise}
        case TargetKL():
            return {"kind": "target_kl", "target_kl": schedule.kl, **({"steps": steps} if steps else {})}
        case GECO():
            return {"kind": "geco", "target_recon": schedule.recon, **({"steps": steps} if steps else {})}
    raise OptionError(
        f"AnnealingSchedule got {type(schedule).__name__}; it draws Constant, LinearWarmup, Cyclical, "
        "TargetKL and GECO."
    )


def _held(run: Run | None) -> dict[str, Any]:
    """Return how long a run trains and what its terms were last; the lecture's numbers without one."""
    values: dict[str, Any] = {"steps": 1000, "recon": 0.4, "kl": 1.2}
    if run is None:
        return values
    if run.epochs and run.steps_per_epoch:
        values["steps"] = min(run.epochs * run.steps_per_epoch, _MOST_STEPS)
    elif run.step:
        values["steps"] = min(run.step, _MOST_STEPS)
    for name in ("recon", "kl"):
        known = run.recorder.curve(name, _RECORDED_POINTS).mean
        if len(known) and 0 <= known[-1] <= 1e6:
            values[name] = float(f"{known[-1]:.3g}")
    return values
