"""What the widgets have in common that show an idea and need no run."""

from __future__ import annotations

from typing import Any

from vaewidgets.widgets.live import STATIC, LiveWidget

__all__ = ["STATIC", "ConceptWidget"]


class ConceptWidget(LiveWidget):
    """A picture of an idea, drawn in the page from its `view` alone (abstract).

    A subclass overrides `_content` with what the page needs to start from. What the reader turns comes
    back as `view`.
    """

    def _content(self) -> dict[str, Any]:
        """Sections of the frame."""
        return {}

    def _before_open(self) -> None:
        self._answered(None)

    def _answered(self, panel: str | None) -> None:
        content = self._content()
        with self._live_lock:
            self._publish({"frame": self._next_frame({"error": panel, **content})})

    def __repr__(self) -> str:
        """Stable: no address."""
        return f"{type(self).__name__}()"
