"""The training loop, its steps, the optimisers, and the recorder of what they measure.

Never imports a run or a widget, and starts no thread.
"""

from vaewidgets.engine.curves import Curve
from vaewidgets.engine.recorder import Recorder
from vaewidgets.engine.snapshot import Snapshot

__all__ = ["Curve", "Recorder", "Snapshot"]
