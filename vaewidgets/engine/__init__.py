"""The loop and its steps, optimisers and what is recorded. Knows no thread and no widget."""

from vaewidgets.engine.curves import Curve
from vaewidgets.engine.recorder import Recorder
from vaewidgets.engine.snapshot import Snapshot

__all__ = ["Curve", "Recorder", "Snapshot"]
