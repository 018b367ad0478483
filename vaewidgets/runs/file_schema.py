"""What a run file must say of its run: a rule for each fact. `file_tensors` has those of its tensors.

All of it is checked before anything is built. A fault names the entry, what was got, and what was expected.
When a file is salvaged, what breaks its rule is noted, and what is left of it (`Rule.rest`) is taken instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_args

from vaewidgets.checks import is_number, is_whole
from vaewidgets.contract.run_file import PAGE, Faults, is_plain
from vaewidgets.engine.optimizers import OPTIMIZERS
from vaewidgets.engine.precision import PRECISIONS
from vaewidgets.errors import VAEWidgetsError
from vaewidgets.objectives import get_likelihood, objective_from_dict, schedule_from_dict
from vaewidgets.runs.gate import Status

Check = Callable[[Any], bool]

MOST_SIDE = 65_536  # of an image, in pixels


def _whole(least: int = 0) -> Check:
    return lambda value: is_whole(value, least, 2**53)


def _positive(value: Any) -> bool:
    return is_number(value) and value > 0


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _one_of(*known: str) -> Check:
    return lambda value: isinstance(value, str) and value in known


def _list(check: Check, count: int | None = None) -> Check:
    return lambda value: isinstance(value, list) and count in (None, len(value)) and all(map(check, value))


def _dict(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def _builds(build: Callable[[Any], Any]) -> Check:
    """What one of our own small classes of values can be made of."""

    def holds(value: Any) -> bool:
        try:
            build(value)
        except (VAEWidgetsError, TypeError, KeyError, ValueError, ArithmeticError, AttributeError):
            return False
        return True

    return holds


def _named(value: Any) -> bool:
    return isinstance(value, dict) and _text(value.get("name"))


def _option(value: Any) -> bool:
    """What an option of a model may be: a number, a text, or a list of such."""
    many = value if isinstance(value, list) else [value]
    return all(one is None or is_number(one) or isinstance(one, str | bool) for one in many)


def _epoch_row(row: Any) -> bool:
    """A step, and what was measured then; a page writes null for what is not finite."""
    if not (isinstance(row, list) and len(row) == 2 and is_whole(row[0], 0, 2**53)):
        return False
    values = row[1]
    numbers = isinstance(values, dict) and all(
        one is None or (isinstance(one, int | float) and not isinstance(one, bool)) for one in values.values()
    )
    return numbers and is_plain(values)


def _line(value: Any) -> bool:
    """Which items of a time line are kept, see `Thinned.facts`."""
    if not isinstance(value, dict) or not all(
        is_whole(value.get(name), least, 2**53) for name, least in (("most", 1), ("every", 1), ("count", 0))
    ):
        return False
    items = value.get("items")
    if (
        not isinstance(items, list)
        or not _list(_list(_whole(), 3))(items)
        or len(items) > max(2, value["most"])
    ):
        return False
    numbers, steps = [item[0] for item in items], [item[1] for item in items]
    return numbers == sorted(set(numbers)) and steps == sorted(steps)


def _time_line(value: Any) -> bool:
    if value == {}:
        return True
    if not isinstance(value, dict) or not all(_line(value.get(name)) for name in ("frames", "weights")):
        return False
    return bool(value["frames"]["items"])


class Rule(NamedTuple):
    """What a fact must be, in code and in words; `rest`: what is taken where it is not, and is salvaged."""

    holds: Check
    expected: str
    needed: bool = True
    rest: Callable[[Any], Any] = lambda _: None


def _rest(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


DATA = {
    "name": Rule(_text, "a text"),
    "image_shape": Rule(_list(lambda n: is_whole(n, 1, MOST_SIDE), 3), "three whole numbers of at least 1"),
    "value_range": Rule(lambda v: _list(is_number, 2)(v) and v[0] < v[1], "two finite numbers, rising"),
    "n_train": Rule(_whole(), "a whole number of images"),
    "n_test": Rule(_whole(), "a whole number of images"),
}
# Of a run of `train`; files from before lack some, and those of a loop of the user's own all of them.
OPTIONS = {
    "epochs": Rule(_or_none(_whole(1)), "a whole number of at least 1, or null"),
    "lr": Rule(_positive, "a number above 0"),
    "optimizer": Rule(_one_of(*OPTIMIZERS), f"one of {', '.join(OPTIMIZERS)}"),
    "batch_size": Rule(_whole(1), "a whole number of at least 1"),
    "drop_last": Rule(_flag, "true or false"),
    "seed": Rule(lambda value: is_whole(value, 0), "a whole number of at least 0"),
    "eval_every": Rule(_whole(), "a whole number of at least 0"),
    "precision": Rule(_one_of(*PRECISIONS), f"one of {', '.join(PRECISIONS)}", needed=False),
    "cuda_graph": Rule(_flag, "true or false", needed=False),
}
ANY_OPTIONS = {
    "device": Rule(_text, "a text", needed=False),
    "autosave": Rule(_flag, "true or false", needed=False),
    "autosave_seconds": Rule(_positive, "a number above 0", needed=False),
    "speed": Rule(_or_none(_positive), "a number above 0, or null", needed=False),
}
FACTS = {
    "name": Rule(_text, "a text", rest=_rest("a salvaged run")),
    "step": Rule(_whole(), "a whole number of at least 0", rest=_rest(0)),
    "epoch": Rule(_whole(), "a whole number of at least 0", rest=_rest(0)),
    "epochs": Rule(_or_none(_whole(1)), "a whole number of at least 1, or null"),
    "status": Rule(
        _one_of(*get_args(Status)), f"one of {', '.join(get_args(Status))}", rest=_rest("stopped")
    ),
    "error": Rule(_or_none(_text), "a text or null", needed=False),
    "options": Rule(lambda value: isinstance(value, dict), "a JSON object", rest=lambda _: {}),
    "data": Rule(lambda value: isinstance(value, dict), "a JSON object"),
    "model_class": Rule(_text, "a text", rest=_rest("model")),
    "model": Rule(
        _or_none(lambda value: _dict(_option)(value) and _text(value.get("class"))),
        "null, or a class and its options: numbers, texts, lists of such",
    ),
    "likelihood": Rule(_text, "a text"),
    "likelihood_options": Rule(_dict(_option), "numbers and texts by name", False, lambda _: {}),
    "reading": Rule(
        _or_none(
            lambda value: (
                _dict(_or_none(_text))(value) and {*value} <= {"output", "likelihood", "spread", "prior"}
            )
        ),
        "null, or texts under output, likelihood, spread and prior",
        needed=False,
    ),
    "objective": Rule(
        lambda value: _named(value) and _builds(objective_from_dict)(value),
        "a name, and settings that an objective of this name takes",
        False,
        lambda _: {"name": "elbo"},
    ),
    "normalised": Rule(_flag, "true or false", rest=_rest(False)),
    "beta": Rule(_or_none(is_number), "a number or null", needed=False),
    "columns": Rule(
        lambda value: _list(_text)(value) and len({*value}) == len(value),
        "different texts",
        rest=lambda _: [],
    ),
    "history_epochs": Rule(
        _list(_epoch_row),
        "a list of [step, numbers by name]",
        rest=lambda value: [row for row in value if _epoch_row(row)] if isinstance(value, list) else [],
    ),
    "time_line": Rule(_time_line, "what is kept of frames and of weights", False, lambda _: {}),
}
# What training needs to go on: all of them, or none.
ENGINE = {
    "position": Rule(_whole(), "a whole number of at least 0"),
    "steps_per_epoch": Rule(_whole(1), "a whole number of at least 1"),
    "epoch_sums": Rule(_list(is_number, 4), "four finite numbers"),
    "lr": Rule(_positive, "a number above 0"),
    "schedule": Rule(_builds(schedule_from_dict), "a kind, and settings that a schedule of this kind takes"),
}


def checked_facts(facts: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """Return what a file says of its run, each fact as its rule wants it."""
    found = {
        name: value for name, value in facts.items() if name in (PAGE, "history_epochs") or is_plain(value)
    }
    for name in {*facts} - {*found}:
        faults.note(f"fact {name!r}", "too deep, or holds numbers too large", "plain values")
    _check(found, FACTS, "fact", faults)
    _check(found["options"], ANY_OPTIONS, "option", faults)
    if found["data"] is not None:
        before = faults.count
        _check(found["data"], DATA, "fact 'data':", faults)
        if faults.count > before:
            found["data"] = None
    has_engine = "position" in found
    before = faults.count
    if has_engine:
        _check(found, ENGINE, "fact", faults)
        _check(found["options"], OPTIONS, "option", faults)
        if faults.count == before and found["position"] > found["steps_per_epoch"]:
            got, most = str(found["position"]), found["steps_per_epoch"]
            faults.note("fact 'position'", got, f"at most the {most} steps of an epoch")
    if faults.count > before:
        found.pop("position", None)
    if found["likelihood"] is not None and not _builds(_likelihood)(found):
        got = repr(found["likelihood"])[:100]
        faults.note("fact 'likelihood'", got, "a known name, with options that it takes")
        found["likelihood"] = None
    return found


def _likelihood(facts: Mapping[str, Any]) -> Any:
    return get_likelihood(facts["likelihood"], **facts.get("likelihood_options", {}))


def _check(found: dict[str, Any], rules: Mapping[str, Rule], kind: str, faults: Faults) -> None:
    for name, rule in rules.items():
        if name in found and rule.holds(found[name]):
            continue
        if name in found:
            faults.note(f"{kind} {name!r}", repr(found[name])[:100], rule.expected)
        elif rule.needed:
            faults.note(f"{kind} {name!r}", "missing", rule.expected)
        else:
            continue
        found[name] = rule.rest(found.get(name))
