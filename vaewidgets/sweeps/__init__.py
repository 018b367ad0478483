"""One model over a grid of settings: the grid, its cells, and who trains them.

Never imports a figure or a widget.
"""

from vaewidgets.sweeps.api import sweep
from vaewidgets.sweeps.cell import Cell
from vaewidgets.sweeps.sweep import Sweep
from vaewidgets.sweeps.table import Table

__all__ = ["Cell", "Sweep", "Table", "sweep"]
