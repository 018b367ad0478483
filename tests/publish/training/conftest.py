"""The browser of the browser tests, for what a browser computes."""

from tests.browser.conftest import browser

__all__ = ["browser"]
