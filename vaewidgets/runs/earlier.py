"""The past of a run that a loop of the user's own goes on from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from vaewidgets.engine.recorder import Recorder
from vaewidgets.errors import OptionError
from vaewidgets.runs.run import Run
from vaewidgets.runs.run_file import read


class Earlier(NamedTuple):
    """What is taken over; `time_line` is what `TimeLine.state` gives."""

    recorder: Recorder
    epoch: int
    data_facts: Mapping[str, Any] | None
    time_line: tuple[Mapping[str, Any], Mapping[str, Tensor]]


def earlier(after: object, tensors: Sequence[Tensor]) -> Earlier:
    """Read the past of a run, or of a run file; OptionError unless it is of a model of such tensors."""
    if isinstance(after, Run):
        len(after.history)  # what is logged and not read back yet is now
        recorder = Recorder.restore(after.recorder.state())
        found = Earlier(recorder, after.epoch, after.data_facts, after.time_line.state())
    elif isinstance(after, str | os.PathLike):
        loaded = read(after)
        found = Earlier(loaded.recorder, loaded.facts["epoch"], loaded.facts["data"], loaded.time_line)
    else:
        raise OptionError(
            f"after is a {type(after).__name__}; expected the run that your loop goes on from, or its file: "
            'attach(model, data, after=vw.load_run("run.safetensors", model=model)).'
        )
    kept = [t for name, t in found.time_line[1].items() if name.startswith("weights.0.")]
    if kept and [tuple(t.shape) for t in kept] != [tuple(t.shape) for t in tensors]:
        raise OptionError(
            f"after is {after!r}, a run of another model: expected one whose weights have the shapes of this "
            "model's. Attach without after= to begin a new history."
        )
    return found
