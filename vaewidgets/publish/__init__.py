"""One offline HTML file from plain widget states; knows no widget."""

from vaewidgets.publish.file import write_page
from vaewidgets.publish.page import page_html

__all__ = ["page_html", "write_page"]
