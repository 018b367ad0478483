"""Random messages of a page to every widget: none raises, silences or swells it; each dropped one is counted.

python -m tests.faults.messages --count 20000 --seed 0
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections import Counter
from typing import Any

import torch

import vaewidgets as vw
from tests.faults.table import Row, run_machine
from tests.widgets.model_for import model_for
from tests.widgets.test_concept_contract import CONCEPTS, STARTED, TURNED
from tests.widgets.test_contract import WIDGETS, feed_threads, wait_until
from vaewidgets.contract.messages import REASONS
from vaewidgets.live.view import MAX_BYTES

__all__ = ["BAD_SEQS", "finished_run", "message_of", "pelt", "rows"]

COUNT = 20_000  # of the long form
LONG_TEXT, LONG_LIST = "y" * 3_000_000, list(range(400_000))
BAD_SEQS: list[Any] = [None, "x", math.nan, -math.inf, math.inf, [1], {}, True, 1.5, -1, 1e150, 10**150]


def finished_run(widget_class: Any = None) -> vw.Run:
    data = vw.load_dataset("digits", n_train=256)
    torch.manual_seed(0)
    model = model_for(widget_class, data.image_shape)
    return vw.train(model, data, epochs=1, batch_size=64, autosave=False).wait(progress=False)


def _value(dice: random.Random, depth: int = 0) -> Any:
    simple = [None, True, -1, 0, 3, 2**40, 10**30, 0.5, math.nan, math.inf, "", "tsne", "x" * 300, [], {}]
    kind = dice.random()
    if kind < 0.6 or depth > 3:
        return dice.choice(simple)
    if kind < 0.62:
        return LONG_TEXT
    if kind < 0.64:
        return LONG_LIST
    if kind < 0.9:
        return [_value(dice, depth + 1) for _ in range(dice.randrange(5))]
    return {str(i): _value(dice, depth + 1) for i in range(dice.randrange(4))}


def message_of(dice: random.Random, keys: tuple[str, ...], number: int) -> Any:
    """A message that a page could send by mistake or on purpose; never a good `new_run`."""
    names: list[Any] = [
        "pause",
        "beta",
        "lr",
        "speed",
        "epochs",
        "presenting",
        "fly",
        "",
        "x" * 10_000,
        None,
        3,
    ]
    views = [f"view:{key}" for key in keys]
    name = dice.choice([*names, *views, *views, f"name {number}", f"view:key {number}"])
    seq = dice.choice([*BAD_SEQS, number, number, number, 0])
    kind = dice.random()
    if kind < 0.05:
        return dice.choice([None, 3, "hello", [], {}, {"type": None}, {"type": []}, {"type": "fly"}])
    if kind < 0.2:
        return {"type": "decode", "seq": seq, "z": _value(dice), "run": dice.choice(["", "x", None, []])}
    message = {"type": "command", "seq": seq, "name": name, "value": _value(dice)}
    if kind < 0.25:
        del message[dice.choice(list(message))]
    return message


def pelt(widget: Any, rounds: int, seed: int) -> None:
    """Send a widget so many messages."""
    dice = random.Random(seed)
    keys = widget._known_keys()
    for number in range(1, rounds + 1):
        widget._on_message(widget, message_of(dice, keys, number), [])


def _wrong(widget: Any, key: str, value: Any, *, of_run: bool) -> str:
    """What is wrong with a widget that was pelted; empty if it obeys, and is no larger than it may be."""
    if not set(widget.dropped) <= set(REASONS):
        return f"counts reasons that nobody knows: {widget.dropped}"
    if len(json.dumps(widget.view)) > 2 * MAX_BYTES:
        return "has a view that is too large"
    seq = widget.ack + 1
    widget._on_message(widget, {"type": "command", "seq": seq, "name": key, "value": value}, [])
    wait_until(lambda: widget.ack == seq, "the acknowledgement")
    done = widget.run.beta if of_run else widget.view.get(key.removeprefix("view:"))
    error = widget.frame["run"]["error"] if of_run else widget.frame["error"]
    return "" if done == value and error is None else f"does not obey: {key} is {done!r}, error {error}"


def rows(scale: float, seed: int) -> list[Row]:
    """The promises about messages, `scale` times 20,000 of them, the same number to each class of widget."""
    classes = [*WIDGETS, *CONCEPTS]
    each = max(1, math.ceil(scale * COUNT / len(classes)))
    raised, deaf, dropped = 0, 0, Counter[str]()
    for i, widget_class in enumerate(classes):
        of_run = widget_class in WIDGETS
        run = finished_run(widget_class) if of_run else None
        widget = widget_class(run) if of_run else STARTED.get(widget_class.__name__, widget_class)()
        dice, keys = random.Random(f"{seed} {i}"), widget._known_keys()
        for number in range(1, each + 1):
            message = message_of(dice, keys, number)
            try:
                widget._on_message(widget, message, [])
            except Exception as error:
                raised += 1
                print(f"{widget_class.__name__}: {repr(message)[:200]}: {error!r}", file=sys.stderr)
        wait_until(lambda: not feed_threads(), "all is answered")
        key, value = ("beta", 2.5) if of_run else TURNED[widget_class.__name__]
        wrong = _wrong(widget, key if of_run else f"view:{key}", value, of_run=of_run)
        deaf += bool(wrong)
        if wrong:
            print(f"{widget_class.__name__} {wrong}", file=sys.stderr)
        dropped.update(widget.dropped)
        widget.close()
        if run is not None:
            run.close()
    said = f"{sum(dropped.values()):,} dropped: " + ", ".join(
        f"{n:,} {why}" for why, n in dropped.most_common()
    )
    return [
        Row(
            "a message of a page that makes no sense is dropped and counted",
            each * len(classes),
            raised,
            said,
        ),
        Row("a widget obeys after random messages", len(classes), deaf, f"{each} to each class"),
    ]


if __name__ == "__main__":
    sys.exit(run_machine(__doc__, rows, COUNT, "messages"))
