"""A torch function as ATen operations and weights that the page runs: a decoder, an encoder, a training step.

Never imports a run or a widget.
"""

from __future__ import annotations

from vaewidgets.graphs.portable import decoder_network, encoder_network, portable_network
from vaewidgets.graphs.recorded import Network, Op
from vaewidgets.graphs.recording import record_function
from vaewidgets.graphs.score import score, score_network

__all__ = [
    "Network",
    "Op",
    "decoder_network",
    "encoder_network",
    "portable_network",
    "record_function",
    "score",
    "score_network",
]
