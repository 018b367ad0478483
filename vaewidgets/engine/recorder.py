"""What a run has measured: append-only, written by one thread, read by any number, by cursor."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from typing import Any

import numpy as np

from vaewidgets.concurrency import Lock
from vaewidgets.engine.curves import Buckets, Curve

_CHUNK = 16_384  # rows a chunk: nothing is ever copied to grow, at most one chunk is half empty
_EXACT = frozenset({"beta", "lr"})  # set by a person, who wants 0.1 back and not its nearest float32
_MAX_CURVES = 16


class Recorder:
    """Values by step, and values by epoch.

    Values are kept as float32 (beta and lr as float64), beside one int64 step a row: at most 8 bytes a
    value for the engine's five. A value that was not recorded at a step reads as NaN.

    All methods may be called from any thread.

    Attributes
    ----------
    version : int
        Grows whenever something was recorded.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._n = 0
        self._steps: list[np.ndarray] = []
        self._columns: dict[str, list[np.ndarray]] = {}
        self._epochs: list[tuple[int, dict[str, float]]] = []
        self._curve_lock = Lock()
        self._curves: dict[tuple[str, int], tuple[Buckets, int]] = {}
        self.version = 0

    def append(self, step: int, values: Mapping[str, float]) -> None:
        """Record the values of one step; steps must grow."""
        self.extend(np.array([step]), {name: np.array([value]) for name, value in values.items()})

    def extend(self, steps: np.ndarray, columns: Mapping[str, np.ndarray]) -> None:
        """Record the values of many steps.

        Parameters
        ----------
        steps : ndarray of int, shape (n,)
            Never falling.
        columns : mapping of str to ndarray, shape (n,)
        """
        steps = np.asarray(steps, dtype=np.int64)
        if not len(steps):
            return
        with self._lock:
            self._write(steps, columns)
            self.version += 1

    def append_epoch(self, step: int, values: Mapping[str, float]) -> None:
        """Record the values of an epoch that ended after `step` updates.

        What comes for the same step later is put beside what is there; rows stay in the order of steps.
        """
        new = {name: float(value) for name, value in values.items()}
        with self._lock:
            at = bisect.bisect_left(self._epochs, int(step), key=lambda row: row[0])
            if at < len(self._epochs) and self._epochs[at][0] == step:
                # a new row: those that were read stay as they are
                self._epochs[at] = (int(step), {**self._epochs[at][1], **new})
            else:
                self._epochs.insert(at, (int(step), new))
            self.version += 1

    def _write(self, steps: np.ndarray, columns: Mapping[str, np.ndarray]) -> None:
        """Rows count from the assignment to `_n` on: an interrupt before leaves nothing that is seen."""
        done = 0
        while done < len(steps):
            chunk, start = divmod(self._n, _CHUNK)
            while len(self._steps) <= chunk:
                self._steps.append(np.empty(_CHUNK, np.int64))
            for name, chunks in self._columns.items():
                while len(chunks) <= chunk:
                    chunks.append(_blank(name))
            for name in columns:
                if name not in self._columns:
                    self._columns[name] = [_blank(name) for _ in range(chunk + 1)]
            count = min(_CHUNK - start, len(steps) - done)
            self._steps[chunk][start : start + count] = steps[done : done + count]
            for name, values in columns.items():
                self._columns[name][chunk][start : start + count] = values[done : done + count]
            self._n += count
            done += count

    def __len__(self) -> int:
        return self._n

    @property
    def next_step(self) -> int:
        """The first step after all those recorded."""
        with self._lock:
            chunk, row = divmod(self._n - 1, _CHUNK)
            return int(self._steps[chunk][row]) + 1 if self._n else 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names recorded by step, in order of first appearance."""
        with self._lock:
            return tuple(self._columns)

    def read(self, name: str, cursor: int = 0) -> tuple[np.ndarray, np.ndarray, int]:
        """Return what came after a cursor.

        Parameters
        ----------
        name : str
            A name that was never recorded gives empty arrays.
        cursor : int
            0, or what an earlier call returned.

        Returns
        -------
        steps : ndarray of int64, shape (n,)
        values : ndarray of float, shape (n,)
            New arrays. NaN where `name` was not recorded at that step.
        cursor : int
            For the next call.
        """
        with self._lock:
            end = self._n
            if name not in self._columns:
                return np.empty(0, np.int64), np.empty(0, np.float32), 0
            steps = _rows(self._steps, cursor, end)
            values = _rows(self._columns[name], cursor, end)
        return steps, values, end

    def last(self, name: str) -> float | None:
        """Newest value of a name, None if there is none."""
        with self._lock:
            if not self._n or name not in self._columns:
                return None
            value = float(self._columns[name][(self._n - 1) // _CHUNK][(self._n - 1) % _CHUNK])
        return None if np.isnan(value) else value

    def epochs(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Values by epoch.

        Returns
        -------
        steps : ndarray of int64, shape (n,)
            Updates made when each epoch ended.
        values : dict of str to ndarray of float64, shape (n,)
            NaN where a name was not recorded in an epoch.
        """
        with self._lock:
            rows = list(self._epochs)
        names = dict.fromkeys(name for _, values in rows for name in values)
        steps = np.array([step for step, _ in rows], np.int64)
        return steps, {name: np.array([values.get(name, np.nan) for _, values in rows]) for name in names}

    def held_out(self, term: str) -> tuple[np.ndarray, np.ndarray]:
        """Values of a term ("loss", ...) on data that are not trained on: what was measured by epoch.

        Those of a validation set where a loop logged them, else those of the test set.

        Returns
        -------
        steps, values : ndarray, shape (n,)
            Finite values only.
        """
        steps, values = self.epochs()
        for name in (f"val_{term}", f"test_{term}"):
            known = np.isfinite(values.get(name, np.empty(0)))
            if known.any():
                return steps[known], values[name][known]
        return np.empty(0, np.int64), np.empty(0)

    def curve(self, name: str, max_points: int = 1000) -> Curve:
        """Return a name's series by at most `max_points` min–max buckets; what is not finite is left out.

        Only what came since the last call with the same arguments is looked at.
        """
        key = (name, max_points)
        with self._curve_lock:
            buckets, cursor = self._curves.pop(key) if key in self._curves else (Buckets(max_points), 0)
            steps, values, cursor = self.read(name, cursor)
            buckets.extend(steps, values)
            self._curves[key] = (buckets, cursor)
            while len(self._curves) > _MAX_CURVES:
                self._curves.pop(next(iter(self._curves)))
            return buckets.curve()

    def held_out_curve(self, term: str, max_points: int = 1000) -> Curve:
        """Return what `held_out` does by at most `max_points` buckets; each value, while they are fewer."""
        buckets = Buckets(max_points)
        buckets.extend(*self.held_out(term))
        return buckets.curve()

    def mark(self) -> tuple[int, int]:
        """Rows and epochs recorded so far: what `state` reads up to."""
        with self._lock:
            return self._n, len(self._epochs)

    def state(self, mark: tuple[int, int] | None = None) -> dict[str, Any]:
        """Everything recorded, or up to a mark, as plain arrays: what `restore` takes."""
        with self._lock:
            rows, epochs = mark or (self._n, len(self._epochs))
            columns = {name: _rows(chunks, 0, rows) for name, chunks in self._columns.items()}
            return {"steps": _rows(self._steps, 0, rows), "columns": columns, "epochs": self._epochs[:epochs]}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Recorder:
        """Build a recorder from what `state` returned."""
        recorder = cls()
        recorder.extend(state["steps"], state["columns"])
        for step, values in state["epochs"]:
            recorder.append_epoch(step, values)
        return recorder


def _blank(name: str) -> np.ndarray:
    return np.full(_CHUNK, np.nan, np.float64 if name in _EXACT else np.float32)


def _rows(chunks: list[np.ndarray], start: int, end: int) -> np.ndarray:
    """Rows start ... end of a column, as a new array."""
    if start >= end:
        return np.empty(0, chunks[0].dtype if chunks else np.int64)
    first, last = start // _CHUNK, (end - 1) // _CHUNK
    parts = [
        chunks[i][max(start - i * _CHUNK, 0) : min(end - i * _CHUNK, _CHUNK)] for i in range(first, last + 1)
    ]
    return np.concatenate(parts)
