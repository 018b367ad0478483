"""One image's loss, taken apart: the widget, and what pulls its posterior mean where."""

from vaewidgets.widgets.elbo_microscope.widget import ElboMicroscope

__all__ = ["ElboMicroscope"]
