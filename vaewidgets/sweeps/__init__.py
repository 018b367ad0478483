"""One model over a grid of settings: the grid, its cells, and who trains them."""

from vaewidgets.sweeps.cell import Cell
from vaewidgets.sweeps.sweep import Sweep, sweep
from vaewidgets.sweeps.table import Table

__all__ = ["Cell", "Sweep", "Table", "sweep"]
