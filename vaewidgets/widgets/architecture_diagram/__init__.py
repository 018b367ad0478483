"""A diagram of a model: the widget and how a model is read as a network of layers."""

from vaewidgets.widgets.architecture_diagram.widget import ArchitectureDiagram

__all__ = ["ArchitectureDiagram"]
