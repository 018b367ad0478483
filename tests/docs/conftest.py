"""The browser of the browser tests, started anew: its event loop ends with the package."""

from tests.browser.conftest import browser

__all__ = ["browser"]
