"""One model over a grid of settings: the grid, its cells, and who trains them."""

from vaewidgets.training.sweeps.cell import Cell
from vaewidgets.training.sweeps.sweep import Sweep, sweep
from vaewidgets.training.sweeps.table import Table

__all__ = ["Cell", "Sweep", "Table", "sweep"]
