"""How much of a widget goes into a notebook, and what is left out first where that is too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATE_BYTES = 8_000_000  # of one widget's arrays, as a notebook or a page keeps them (before base64)

# By the beginnings of live keys: what is left out first, and what it is called.
_LEFT_OUT = {
    "time_weights_": "earlier weights of the run",
    "originals": "thumbnails of the originals",
    "encoder": "the encoder's weights",
    "decoder": "the decoder's weights, so the kernel decodes",
    "score": "the decoder's weights, so that nothing can be scored",
}


class SizeLimit:
    """Keeps a widget's live state within a limit.

    Parameters
    ----------
    limit : int
        Bytes of all arrays together.

    Attributes
    ----------
    note : str or None
        What is left out at present, for the reader.
    """

    def __init__(self, limit: int = STATE_BYTES) -> None:
        self._limit = limit
        self._missing: dict[str, tuple[str, int]] = {}  # key -> (what it is, bytes left out)
        self.note: str | None = None

    def apply(self, live: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Return the news, thinned so that with the rest of the live state they keep the limit.

        Keys that are thinned to make room for others are among those returned.
        """
        state = dict(news)
        for key in news:
            self._missing.pop(key, None)  # sent anew: judged anew
        sizes = {key: array_bytes(value) for key, value in {**live, **state}.items()}
        over = sum(sizes.values()) - self._limit
        for beginning, name in _LEFT_OUT.items():
            for key in sorted(key for key in sizes if key.startswith(beginning) and sizes[key]):
                if over > 0:
                    state[key] = _thinned(key, state.get(key, live.get(key)), over)
                    gone = sizes[key] - array_bytes(state[key])
                    over -= gone
                    before = self._missing.get(key, ("", 0))[1]
                    self._missing[key] = (name, gone + before)
        note = self._text(over)
        if note != self.note:
            self.note = state["thinned"] = note
        return state

    def _text(self, over: int) -> str | None:
        sums: dict[str, int] = {}
        for name, count in self._missing.values():
            sums[name] = sums.get(name, 0) + count
        parts = [f"{name} ({_megabytes(count)})" for name, count in sums.items()]
        if not parts and over <= 0:
            return None
        text = f"A notebook keeps at most {_megabytes(self._limit)} of a widget."
        if parts:
            text += f" Left out here: {'; '.join(parts)}."
        if over > 0:
            text += f" The picture alone is {_megabytes(over)} larger: ask for fewer points or images."
        return text


def _thinned(key: str, value: Any, over: int) -> Any:
    """Return what is left of a value of which `over` bytes are too many: the first images, or nothing."""
    if key.startswith(("decoder", "score")):
        reason = f"its weights are too many for a notebook ({_megabytes(array_bytes(value))})"
        return {**value, "network": None, "reason": reason}
    if key.startswith("originals") and isinstance(value, Mapping) and value.get("shape"):
        count, *shape = value["shape"]
        each = len(value["data"]) // max(count, 1)
        kept = max(0, (len(value["data"]) - over) // max(each, 1))
        return (
            {**value, "shape": [kept, *shape], "data": bytes(value["data"][: kept * each])} if kept else None
        )
    return None


def array_bytes(value: Any) -> int:
    """Bytes of all arrays in a value, before base64."""
    if isinstance(value, bytes | bytearray | memoryview):
        return len(value)
    if isinstance(value, Mapping):
        return sum(array_bytes(item) for item in value.values())
    if isinstance(value, list | tuple):
        return sum(array_bytes(item) for item in value)
    return 0


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.2g} MB" if count < 1e7 else f"{count / 1e6:.0f} MB"
