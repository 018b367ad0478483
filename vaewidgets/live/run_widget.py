"""What every widget of a run has in common: frames from the run's feed, the controls of the run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vaewidgets.contract.frame import Decoded, LiveState, Part, Sections
from vaewidgets.data import SAMPLE_POINTS, Sample
from vaewidgets.diagnostics import Projection
from vaewidgets.engine import Snapshot
from vaewidgets.errors import OptionError
from vaewidgets.live.feed import Feed
from vaewidgets.live.messages import Question
from vaewidgets.live.pull import may_send
from vaewidgets.live.view import SHARED, View, check_common
from vaewidgets.live.widget import LiveWidget
from vaewidgets.runs import Run
from vaewidgets.sections.settings import settings_states
from vaewidgets.sections.state import classes_state, decoded_image, explain, run_state
from vaewidgets.sections.time_line import TimeKeys
from vaewidgets.sweeps import Sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sample_of(run: Run, points: int = SAMPLE_POINTS) -> Sample:
    """Return some images of a run's data: those of its time line, if it has as many."""
    kept = run.time_line.sample if points == SAMPLE_POINTS else None
    return kept or Sample(run.data, points)


class RunWidget(LiveWidget):
    """A view of one run, or of several beside each other (abstract).

    A subclass names its bundle (`_esm`) and says what it draws of a run by overriding `_history_state`
    (cheap, sent with each frame) and `_snapshot_state` (from a snapshot of the weights, sent less often).
    The first run's sections stand in the frame itself, those of the others in its list `others`.

    Parameters
    ----------
    run : Run, or a sequence of Run or a Sweep where the subclass takes several
        Of `vaewidgets.train`, `vaewidgets.attach`, `vaewidgets.load_run` or `vaewidgets.sweep`. Each of
        several is named by the setting in which they differ.

    Raises
    ------
    OptionError
        If that is not a `Run`, or several where one is wanted.
    """

    _figure_size: tuple[float, float] = (6.4, 3.6)
    _view_keys: ClassVar[tuple[str, ...]] = SHARED
    _takes_several = False
    _scores_images = False  # by gradients: a page that trains along needs their graph
    _time_options: ClassVar[Mapping[str, bool] | None] = None  # of `TimeKeys`; None: no time line

    def __init__(self, run: Run | Iterable[Run] | Sweep, **traits: Any) -> None:
        self._runs = self._checked_runs(run)
        self._settings = settings_states(self._runs) if len(self._runs) > 1 else {}
        self._sections: dict[str, Sections] = {}  # by run
        self._picture_faults: dict[str, str | None] = {}  # by run
        self._time_keys: dict[str, TimeKeys] = {}
        self._picture_is_due = False
        super().__init__(**traits)
        for one in self._runs:
            Feed.of(one).subscribe(self)

    def _checked_runs(self, source: Any) -> tuple[Run, ...]:
        name = type(self).__name__
        if isinstance(source, Run):
            return (source,)
        wanted = "vw.train(model, data), vw.attach(model, data) or vw.load_run(path)"
        if isinstance(source, Sweep):
            source = self._runs_of_sweep(source)
        runs = tuple(source) if isinstance(source, Iterable) and not isinstance(source, str | bytes) else None
        if not runs or not all(isinstance(one, Run) for one in runs):
            got = (
                type(source).__name__
                if runs is None or runs == ()
                else ", ".join(type(r).__name__ for r in runs)
            )
            raise OptionError(f"{name}(run) got {got}; expected a run: {wanted}.")
        if len(runs) > 1 and not self._takes_several:
            raise OptionError(f"{name}(run) got {len(runs)} runs; it shows one: give it one of them.")
        if len({one.id for one in runs}) < len(runs):
            raise OptionError(f"{name} got the same run twice; expected each once.")
        return runs

    def _runs_of_sweep(self, sweep: Sweep) -> tuple[Run, ...]:
        if not sweep.runs:
            raise OptionError(
                f"{type(self).__name__} got a sweep none of whose runs is here yet; an executor's come "
                "when they are finished: sweep.wait() first."
            )
        return sweep.runs

    def _history_state(self, run: Run) -> Sections:
        """Sections of the frame that come from the recorder; cheap."""
        return {}

    def _snapshot_state(self, run: Run, snapshot: Snapshot) -> Sections:
        """Sections of the frame that need a forward pass of a snapshot."""
        return {}

    def _common_state(self) -> Sections:
        """Sections of the frame that speak of all runs together; cheap."""
        return {}

    def _weights_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        """Live keys beside `frame`: weights for the page, sent at most once a second.

        Those of a run that is not the first get ``:<id of the run>`` appended to their keys.
        """
        return {}

    def _slow_state(self, run: Run, snapshot: Snapshot) -> LiveState:
        """Those of the live keys that the feed measures between frames, as far as it has come."""
        return {}

    def _unit_costs(self, run: Run, snapshot: Snapshot, sample: Sample) -> LiveState:
        """Live key `ablation`: what switching units off costs, see `UnitCosts`."""
        off = [int(j) for j in self.view.get("off") or []]
        state = Feed.of(run).unit_costs.state(snapshot, sample, off, rests=run.status != "running")
        return {"ablation": state}

    def _plane(self, run: Run) -> Projection | None:
        """The plane that the points of the time line are put on."""
        return None

    def _time_state(self, run: Run) -> LiveState:
        """Live keys of the time line that changed, likewise."""
        if self._time_options is None:
            return {}
        keys = self._time_keys.setdefault(run.id, TimeKeys(**self._time_options))
        return keys.state(run, self._plane(run), Feed.of(run).networks.decoder) if keys.is_new(run) else {}

    @property
    def run(self) -> Run:
        """The run that this widget shows, the first where there are several."""
        return self._runs[0]

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs that this widget shows."""
        return self._runs

    @property
    def _feed(self) -> Feed:
        return Feed.of(self.run)

    def figure(self, *, size: tuple[float, float] | None = None) -> Figure:
        """Matplotlib figure of the newest frame, for print.

        Parameters
        ----------
        size : (width, height), optional
            In inches.
        """
        from vaewidgets.figures import explorer_figure

        return explorer_figure(self._named_frame(), size=size or self._figure_size)

    def _before_open(self) -> None:
        for one in self._runs:
            Feed.of(one).first_frame(self)
        self._feed.view.share(self)

    def _refresh(self, *, whole: bool = False) -> None:
        for one in self._runs:
            Feed.of(one).first_frame(self, whole=whole)

    def _moment(self) -> Hashable:
        return tuple((one.id, one.step, one.status) for one in self._runs)

    def _changes_by_itself(self) -> bool:
        return any(one.status == "running" for one in self._runs)

    def _renew_picture(self) -> None:
        """Show the end of the run in the picture that the notebook keeps, unless another run goes on."""
        if self.is_pulled and not may_send():
            self._picture_is_due = True  # at the page's next question
        elif self._picture.is_stale and not self._changes_by_itself():
            self._refresh()  # of the frame's sections some may be of a snapshot before the last
            self._picture.renew()

    def _answer_pull(self, have: int) -> None:
        super()._answer_pull(have)
        if self._picture_is_due:
            self._picture_is_due = False
            self._renew_picture()

    def _check_turn(self, key: str, value: Any) -> None:
        check_common(key, value)
        super()._check_turn(key, value)

    def small_state(self) -> dict[str, Any]:
        run = self.run
        facts = {"beta": run.current_beta, "status": run.status, "step": run.step, "epoch": run.epoch}
        return {**super().small_state(), **facts}

    def _views(self) -> tuple[View, ...]:
        return (self._own_view, self._feed.view)

    def _compose(
        self,
        run: Run,
        drawn: Sections | None,
        weights: LiveState | None,
        fault: str | None,
    ) -> None:
        """Put a frame together and send it with the other live keys in one message."""
        if all(one is not run for one in self._runs):
            return  # of a run that was replaced
        if drawn is not None:
            self._sections[run.id] = drawn
        self._picture_faults[run.id] = fault
        ack = self._obeyed
        suffix = "" if run is self.run else f":{run.id}"
        others = {f"{key}{suffix}": value for key, value in (weights or {}).items()}
        if "classes" not in self._live:
            others["classes"] = classes_state(self.run.data)
        first, *rest = [self._part(one) for one in self._runs]
        with self._live_lock:
            sections = {**first, **self._common(), **({"others": rest} if rest else {})}
            self._publish_frame(sections, others, ack=ack, may_wait=run.status == "running")

    def _named_frame(self) -> dict[str, Any]:
        """The newest frame with the names of the classes in it, for print."""
        frame, classes = dict(self.frame or {}), self.run.data.classes
        if classes is not None and frame.get("run"):
            frame["run"] = {**frame["run"], "class_names": classes.names}
        return frame

    def _common(self) -> Part | Sections:
        try:
            return self._common_state()
        except Exception as error:
            return {"run": {**run_state(self.run), "error": explain(error)}}

    def _part(self, run: Run) -> Part:
        state = run_state(run)
        try:
            history = self._history_state(run)
        except Exception as error:
            history = {}
            state["error"] = explain(error)
        fault = self._picture_faults.get(run.id) or (self._fault if run is self.run else None)
        if fault:
            state["error"] = f"{state['error']}\n{fault}" if state["error"] else fault
        setting = self._settings.get(run.id)
        named: Sections = {} if setting is None else {"setting": setting}
        return {"run": state, **named, **history, **self._sections.get(run.id, {})}

    def close(self) -> None:
        """Take the widget off the page and stop feeding it. The run goes on."""
        for run in self.__dict__.get("_runs", ()):  # none: refused by its constructor, and collected now
            Feed.release(run, self)
        super().close()

    def _opened_again(self) -> None:
        for run in self._runs:
            Feed.of(run).subscribe(self)

    def _hello(self) -> None:
        self._feed.wake(urgent=True)

    def _show(self) -> None:
        self._feed.wake(urgent=True)

    def _acknowledge(self) -> None:
        self._feed.acknowledge(self)

    def _send_acknowledgement(self) -> None:
        super()._acknowledge()

    def _question(self, question: Question) -> None:
        run = next((one for one in self._runs if one.id == question.run), self.run)
        Feed.of(run).ask(self, question)

    def _answer(self, question: Question, snapshot: Callable[[], Snapshot]) -> None:
        """Decode for a page that cannot."""
        answer: Decoded = {"type": "decoded", "seq": question.seq, "image": None, "error": None}
        buffers: list[Any] = []
        try:
            image = decoded_image(snapshot(), question.z)
            answer["image"], buffers = {**image, "data": None}, [image["data"]]
        except Exception as error:  # for who asked alone; the next answer clears it in the page
            answer["error"] = explain(error)
        self.send(answer, buffers)

    def _slot(self, name: str) -> str | None:
        return {"advance": None, "resume": "pause"}.get(name, name)

    def _command(self, name: str, value: Any) -> None:
        run = self.run
        match name:
            case "pause":
                run.pause()
            case "resume":
                run.resume()
            case "stop":
                run.stop()
            case "advance":
                run.advance(int(value or 1))
            case "beta":
                run.beta = float(value)
            case "lr":
                run.lr = float(value)
            case "speed":
                run.speed = None if value is None else float(value)
            case "epochs":
                run.epochs = int(value)
            case _:
                super()._command(name, value)

    def _subject(self) -> str:
        names = list(dict.fromkeys(run.name for run in self._runs))
        if len(names) > 3:
            return f"{len(self._runs)} runs on {self.run.data.name}"
        return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]

    def __repr__(self) -> str:
        """Stable: no address, time or loss."""
        several = len(self._runs) > 3
        names = f"{len(self._runs)} runs" if several else ", ".join(run.name for run in self._runs)
        return f"{type(self).__name__}({self.run.data.name}, {names})"
