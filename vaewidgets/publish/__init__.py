"""Offline HTML from plain states of widgets, as a page of its own or for somebody else's.

Never imports a widget.
"""

from vaewidgets.publish.frame import frame_html
from vaewidgets.publish.notebook import revive_notebook
from vaewidgets.publish.page import page_html, write_page
from vaewidgets.publish.pieces import Pieces, html_pieces

__all__ = ["Pieces", "frame_html", "html_pieces", "page_html", "revive_notebook", "write_page"]
