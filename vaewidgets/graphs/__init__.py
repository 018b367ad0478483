"""A torch encoder or decoder as a list of operations and half-precision weights that the page runs.

Never imports a run or a widget.
"""

from __future__ import annotations

from vaewidgets.graphs.network import Network, Op
from vaewidgets.graphs.trace import decoder_network, encoder_network, portable_network

__all__ = ["Network", "Op", "decoder_network", "encoder_network", "portable_network"]
