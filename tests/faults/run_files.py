"""Damaged and forged run files: each is refused by a `CheckpointError`, or loads as what it says.

    python -m tests.faults.run_files --count 20000 --seed 0

Two kinds of mutations of a small run file. Damage (bits, bytes, cuts, blocks that moved) has to be found by a
checksum: what loads all the same must equal the run that was saved. A forgery (other types and values in its
JSON, entries swapped, renamed, missing, huge numbers, NaN, deep nesting) has no checksums, or right ones: it
loads, and can be looked at and saved, or is refused. Both are also loaded with ``salvage=True``.
"""

from __future__ import annotations

import copy
import json
import random
import resource
import struct
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import vaewidgets as vw
from tests.faults.table import Row, run_machine
from vaewidgets.contract.run_file import CHECKSUMS, KEY
from vaewidgets.errors import CheckpointError

COUNT = 20_000  # of the long form
MOST_BYTES = 200_000_000
MOST_SECONDS = 5.0
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, -(2**63), 10**30, 0.0, -0.5, 1e308, float("nan"),
    float("inf"), "", "x", "../../x", "\ud800", "x" * 5000, [], {}, [[]], [0], [None], {"name": "elbo"},
    [1, 28, 28], [10**6] * 3, [1] * 5000, "digits", "mnist", "cuda:99", {"class": "os.system"},
]  # fmt: skip
TYPES = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "C64", "F8_E4M3", "", None, 3]

Damage = Callable[[random.Random, bytes], bytes]


# damage -------------------------------------------------------------------------------------------------


def _bits(dice: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(dice.choice([1, 1, 1, 2, 8])):
        out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)
    return bytes(out)


def _cut(dice: random.Random, data: bytes) -> bytes:
    return data[: dice.randrange(len(data))]


def _longer(dice: random.Random, data: bytes) -> bytes:
    return data + dice.randbytes(dice.choice([1, 8, 4096]))


def _block(dice: random.Random, data: bytes) -> bytes:
    """A block of a disk that is empty, or holds something else."""
    at, size = dice.randrange(len(data)), dice.choice([1, 16, 512, 4096])
    filling = dice.choice([bytes(size), b"\xff" * size, dice.randbytes(size)])
    return (data[:at] + filling)[: len(data)] + data[at + size :]


def _moved(dice: random.Random, data: bytes) -> bytes:
    """Bytes that are there twice, or missing."""
    at, size = dice.randrange(len(data)), dice.choice([1, 8, 100])
    return data[:at] + dice.choice([data[at : at + size] * 2, b""]) + data[at + size :]


def _length(dice: random.Random, data: bytes) -> bytes:
    return struct.pack("<Q", dice.choice([0, 1, 2**31, 2**63, 2**64 - 1, dice.randrange(10_000)])) + data[8:]


DAMAGES: list[Damage] = [_bits, _bits, _bits, _cut, _longer, _block, _moved, _length]


# forgery ------------------------------------------------------------------------------------------------


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if len(path) > 8:
        return found
    return found + [place for key, one in pairs for place in _places(one, (*path, key))]


def _value(dice: random.Random, before: Any) -> Any:
    if isinstance(before, int | float) and dice.random() < 0.4:
        return dice.choice([before + 1, -before, before * 1000, before / 3, str(before), [before]])
    if dice.random() < 0.05:
        return json.loads("[" * 500 + "]" * 500)
    return copy.deepcopy(dice.choice(VALUES))


def _change(dice: random.Random, value: Any) -> None:
    """Put something else at a place, or take it away, or add a name."""
    places = _places(value)
    if not places:
        return
    *way, key = dice.choice([p for p in places if len(p) == 1] if dice.random() < 0.4 else places)
    holder = value
    for one in way:
        holder = holder[one]
    kind = dice.random()
    if kind < 0.15:
        del holder[key]
    elif kind < 0.2 and isinstance(holder, dict):
        holder[dice.choice(["x", "", "__class__", f"{key}x"])] = holder.pop(key)
    elif kind < 0.25 and isinstance(holder, dict) and len(holder) > 1:
        other = dice.choice([*holder])
        holder[key], holder[other] = holder[other], holder[key]
    else:
        holder[key] = _value(dice, holder[key])


def _text(dice: random.Random, text: str) -> str:
    """JSON that is none, or more than was asked for."""
    at = dice.randrange(len(text))
    return dice.choice([
        text[:at], text[:at] + "[" * 100_000 + text[at:], text.replace(": 0", f": {'9' * 6000}", 1),
        text.replace('"step"', '"step": 3, "step"', 1), text[:at] + "\x00" + text[at:], "[]", "null", "",
        text[:at] + text[at + 1 :],
    ])  # fmt: skip


def _forge(dice: random.Random, data: bytes) -> bytes:
    """Change facts, entries or numbers; with right checksums half of the time, else without any."""
    length = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    texts = header.pop("__metadata__")
    facts = texts[KEY]
    names = [*header]
    kind = dice.random()
    if kind < 0.5:
        plain = json.loads(facts)
        for _ in range(dice.choice([1, 1, 1, 2, 5])):
            _change(dice, plain)
        facts = json.dumps(plain)
    elif kind < 0.58:
        facts = _text(dice, facts)
    elif kind < 0.85:
        _swap(dice, header)
    else:
        for _ in range(dice.choice([1, 3])):  # numbers that no training writes
            first, end = header[dice.choice(names)]["data_offsets"]
            filling = dice.choice([float("nan"), float("inf"), -1e38, 1e38])
            size = (end - first) // 4
            body[first : first + 4 * size] = struct.pack("<f", filling) * size
    texts = {KEY: facts}
    if dice.random() < 0.5:
        texts[CHECKSUMS] = json.dumps(
            {"": zlib.crc32(facts.encode("utf-8", "replace")), **_sums(header, body)}
        )
    text = json.dumps({"__metadata__": texts, **header}).encode()
    return struct.pack("<Q", len(text)) + text + bytes(body)


def _swap(dice: random.Random, header: dict[str, Any]) -> None:
    """Entries swapped, missing, renamed, or of another type, shape or place."""
    name, other = dice.choice([*header]), dice.choice([*header])
    about, what = header[name], dice.randrange(6)
    if what == 0:
        header[name], header[other] = header[other], header[name]
    elif what == 1:
        del header[name]
    elif what == 2:
        header[dice.choice([f"{name}x", "", "optimizer.x.y", "time.0.x", "optimizer.3"])] = header.pop(name)
    elif what == 3:
        about["dtype"] = dice.choice(TYPES)
    elif what == 4:
        size = dice.choice([0, 1, -1, 2**40, 2**62, 10**30, 1.5, "3"])
        about["shape"] = dice.choice(
            [[size], [], [size, 2], about["shape"][::-1], [1, *about["shape"]], size]
        )
    else:
        about["data_offsets"] = [dice.choice([0, -1, 5, 2**62, None]), about["data_offsets"][1]]


def _sums(header: dict[str, Any], body: bytearray) -> dict[str, int]:
    sums = {}
    for name, about in header.items():
        try:
            first, end = about["data_offsets"]
            sums[name] = zlib.crc32(
                body[first:end], zlib.crc32(f"{about['dtype']} {about['shape']}".encode())
            )
        except (TypeError, ValueError):
            sums[name] = 0
    return sums


# what is asked of each ----------------------------------------------------------------------------------


class Original:
    """A small run, its file, and what a loaded run has to be equal to."""

    def __init__(self, folder: Path) -> None:
        generator = torch.Generator().manual_seed(0)
        self.data = vw.ImageDataset(
            torch.rand(64, 1, 4, 4, generator=generator), name="noise", test_fraction=0.25
        )
        torch.manual_seed(0)
        model = vw.MLPVAE((1, 4, 4), 2, hidden=(6,))
        run = vw.train(
            model, self.data, epochs=2, batch_size=16, autosave=False, beta=vw.LinearWarmup(0, 1, steps=5)
        )
        run.wait(progress=False)
        self.path = folder / "run.safetensors"
        run.save(self.path)
        run.close()
        self.content = self.path.read_bytes()
        self.says = self.said(vw.load_run(self.path, data=self.data))

    @staticmethod
    def said(run: Any) -> Any:
        """All that a run says, to be compared bit by bit; it must be possible to ask for it."""
        numbers = {name: run.history[name].tobytes() for name in run.history}
        weights = {name: tensor.numpy().tobytes() for name, tensor in run.model.state_dict().items()}
        line = [(frame.step, frame.mu.tobytes()) for frame in run.time_line.frames]
        sets = [
            [t.reshape(-1).view(torch.uint8).numpy().tobytes() for t in one.tensors]
            for one in run.time_line.weights
        ]
        facts = (run.name, run.step, run.epoch, run.epochs, run.status, run.beta, run.lr, run.options)
        return repr((facts, repr(run), line, sets)), numbers, weights

    def load(self, *, with_data: bool, salvage: bool) -> Any:
        return vw.load_run(self.path, data=self.data if with_data else None, salvage=salvage)


def fuzz(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How often what came of a mutation, and what was wrong with it: the first of each kind in words."""
    found: Counter[str] = Counter()
    wrong: list[str] = []

    def fault(what: str, i: int, says: object) -> None:
        found[what] += 1
        if found[what] <= 3:
            wrong.append(f"mutation {i} of seed {seed}: {what}: {says}"[:500])

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = Original(Path(folder))
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for i in range(count):
            dice = random.Random(f"{seed} {i}")
            is_damage = dice.random() < 0.5
            mutate = dice.choice(DAMAGES) if is_damage else _forge
            content = mutate(dice, original.content)
            if content == original.content:
                continue
            original.path.write_bytes(content)
            began = time.process_time()
            for salvage in (False, True) if dice.random() < 0.3 else (False,):
                with_data = dice.random() < 0.5
                try:
                    run = original.load(with_data=with_data, salvage=salvage)
                    says = original.said(run)
                    if dice.random() < 0.1:
                        run.save(original.path)
                        original.load(with_data=with_data, salvage=False)
                except CheckpointError as error:
                    found["refused"] += 1
                    if str(original.path) not in str(error):
                        fault("not named", i, error)
                except Exception as error:
                    fault("another error", i, f"{mutate.__name__}, {type(error).__name__}: {error}")
                else:
                    found["salvaged" if salvage else "loaded"] += 1
                    if is_damage and with_data and not salvage and says != original.says:
                        fault("silently wrong", i, mutate.__name__)
            if time.process_time() - began > MOST_SECONDS:
                fault("slow", i, f"{time.process_time() - began:.1f} s")
            found["slowest ms"] = max(found["slowest ms"], round(1000 * (time.process_time() - began)))
            now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if 1024 * (now - start) > MOST_BYTES:
                fault("large", i, f"{(now - start) / 1024:.0f} MB more")
                start = now
            found["MB more"] = max(found["MB more"], (now - start) // 1024)
    return found, wrong


def rows(scale: float, seed: int) -> list[Row]:
    """The promises about run files, `scale` times 20,000 mutations."""
    count = max(1, round(scale * COUNT))
    found, wrong = fuzz(count, seed)
    print(*wrong, sep="\n", file=sys.stderr)
    bad = found["another error"] + found["not named"]
    loaded = f"{found['refused']:,} loads refused, {found['loaded']:,} loaded, {found['salvaged']:,} salvaged"
    return [
        Row(
            "a damaged or forged run file loads, or is refused with its name in a CheckpointError",
            count,
            bad,
            loaded,
        ),
        Row("what loads of a damaged file equals what was saved", count, found["silently wrong"]),
        Row(
            "a run file takes at most 5 s",
            count,
            found["slow"],
            f"slowest {found['slowest ms'] / 1000:.2f} s",
        ),
        Row("a run file takes at most 200 MB", count, found["large"], f"at most {found['MB more']} MB more"),
    ]


if __name__ == "__main__":
    sys.exit(run_machine(__doc__, rows, COUNT, "mutations"))
