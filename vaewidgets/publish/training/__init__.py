"""What a page needs to train with no kernel: a run's steps as graphs, its data and its settings.

Never imports a widget.
"""

from vaewidgets.publish.training.payload import trainable

__all__ = ["trainable"]
