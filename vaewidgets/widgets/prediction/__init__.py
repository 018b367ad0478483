"""Predict first, then see: the widget and the kinds of exercise."""

from vaewidgets.widgets.prediction.widget import Prediction

__all__ = ["Prediction"]
