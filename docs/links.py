"""Links of a built site: each that stays within it leads somewhere, and nothing is fetched from elsewhere."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["faults"]

# What a browser fetches by itself, as against what a reader may follow.
FETCHED = {("img", "src"), ("script", "src"), ("source", "srcset"), ("iframe", "src"), ("img", "srcset")}
FETCHED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.names |= {name for name in (found.get("id"), found.get("name")) if name}
        for name, value in attrs:
            if not value:
                continue
            rel = set((found.get("rel") or "").split())
            if (tag, name) in FETCHED or (tag == "link" and name == "href" and rel & FETCHED_LINKS):
                self.fetched.append(value)
            elif name == "href":
                self.links.append(value)


def faults(site: Path) -> list[str]:
    """Return what is wrong with the links of the pages in a folder, a sentence each."""
    pages = {path.resolve(): _Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        for address in page.fetched:
            if urlsplit(address).scheme not in ("", "data") or address.startswith("//"):
                found.append(f"{name}: fetches {address}; a page of the site has to work offline")
        for address in [*page.links, *page.fetched]:
            parts = urlsplit(address)
            if parts.scheme or address.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                found.append(f"{name}: {address} leads nowhere")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].names:
                found.append(f"{name}: {address}: that page has no such place")
    return found
