"""The encoder-decoder card game of experiment E: its widget and its rules."""

from vaewidgets.widgets.bottleneck_game.widget import BottleneckGame

__all__ = ["BottleneckGame"]
