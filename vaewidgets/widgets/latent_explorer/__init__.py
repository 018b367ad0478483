"""The dashboard: the widget, and how a new run is started from it."""

from vaewidgets.widgets.latent_explorer.widget import LatentExplorer

__all__ = ["LatentExplorer"]
