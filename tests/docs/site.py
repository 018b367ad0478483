"""A page of the documentation site, opened from the disk with the network off."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.browser.lab import wait_for
from tests.browser.pages import SavedPage

__all__ = ["SitePage", "open_site"]


class SitePage(SavedPage):
    """One page of a site: it may load the site's own files."""

    def __init__(self, page: Any, path: Path, site: Path) -> None:
        self.site = site.resolve().as_uri()
        super().__init__(page, path)

    def _is_own(self, url: str) -> bool:
        return super()._is_own(url) or url.startswith(f"{self.site}/")

    def open(self, path: Path) -> SitePage:
        """Go to another page of the site."""
        self.path, self.url = path, path.resolve().as_uri()
        self.go_to()
        return self

    def wait_ready(self) -> SitePage:
        wait_for(
            lambda: self.page.evaluate(
                "document.readyState === 'complete' && (!document.querySelector('[data-vw-widget]')"
                " || document.documentElement.vaewidgets?.ready === true)"
            ),
            f"{self.path.name} is drawn; console: {self.console}",
            40,
        )
        return self


@contextlib.contextmanager
def open_site(browser: Any, site: Path, name: str = "index.html", **options: Any) -> Iterator[SitePage]:
    """Open a page of a site; `options` are those of playwright's `new_context`."""
    options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options}
    context = browser.new_context(offline=True, **options)
    try:
        page = SitePage(context.new_page(), site / name, site)
        page.go_to()
        yield page
    finally:
        context.close()
