"""Offline HTML from plain widget states, as a page or for somebody else's; knows no widget."""

from vaewidgets.publish.notebook import revive_notebook
from vaewidgets.publish.page import page_html, write_page
from vaewidgets.publish.pieces import Pieces, html_pieces

__all__ = ["Pieces", "html_pieces", "page_html", "revive_notebook", "write_page"]
