"""The decoder's geometry on a plane of the latent space: the widget, and the surface that it measures."""

from vaewidgets.widgets.latent_geometry.widget import LatentGeometry

__all__ = ["LatentGeometry"]
