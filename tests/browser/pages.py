"""Open saved pages as a reader would: from a file, with no network and no kernel."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.browser.helpers import Widget
from tests.browser.lab import wait_for

__all__ = ["SavedPage", "open_page"]


class SavedPage:
    """One saved page in a browser page of its own.

    Attributes
    ----------
    page : playwright's Page
    requests : list of str
        All that it asked for besides itself; each was refused.
    console : list of str
        Errors in its console, refusals of its content security policy among them.
    """

    def __init__(self, page: Any, path: Path) -> None:
        self.page, self.path = page, path
        self.url = path.resolve().as_uri()
        self.requests: list[str] = []
        self.console: list[str] = []
        page.on("console", lambda m: self.console.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", lambda request: self._note(request.url))
        page.route("**/*", self._answer)

    def _is_own(self, url: str) -> bool:
        # modules come from blobs and pictures from data that the page holds itself
        return url.partition("#")[0] == self.url or url.startswith(("blob:", "data:"))

    def _note(self, url: str) -> None:
        if not self._is_own(url):
            self.requests.append(url)

    def _answer(self, route: Any) -> None:
        if self._is_own(route.request.url):
            route.continue_()
        else:
            route.abort()

    def widget(self, selector: str = ".vw-root") -> Widget:
        """The first widget that matches, with the questions of `tests.browser.helpers.Widget`."""
        return Widget(self, selector)

    def go_to(self, fragment: str = "") -> SavedPage:
        """Load the page anew, with this end of its address, and wait until all widgets are drawn."""
        self.page.goto("about:blank")
        self.page.goto(self.url + fragment)
        return self.wait_ready()

    def reload(self) -> SavedPage:
        self.page.reload()
        return self.wait_ready()

    def wait_ready(self) -> SavedPage:
        wait_for(
            lambda: self.page.evaluate("document.documentElement.vaewidgets?.ready === true"),
            f"the page is drawn; console: {self.console}",
            20,
        )
        return self

    def assert_alone(self) -> None:
        """It asked nobody for anything, and nothing went wrong in it."""
        assert self.requests == []
        assert self.console == []


@contextlib.contextmanager
def open_page(
    browser: Any, path: Path, fragment: str = "", *, script: str = "", **options: Any
) -> Iterator[SavedPage]:
    """Open a saved page with the network off.

    Parameters
    ----------
    browser : the fixture of that name
    path : Path
        Of the page.
    fragment : str
        The end of its address, such as "#view=...".
    script : str
        Run before the page's own program.
    **options
        Of playwright's `new_context`: `color_scheme`, `reduced_motion`, `viewport`, ...
    """
    options = {"viewport": {"width": 1200, "height": 900}, **options}
    context = browser.new_context(offline=True, **options)
    context.add_init_script(script)
    try:
        yield SavedPage(context.new_page(), path).go_to(fragment)
    finally:
        context.close()
