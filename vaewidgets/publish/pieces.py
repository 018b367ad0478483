"""Widgets in somebody else's page: a place for each, and what all of them need, once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaewidgets.errors import OptionError
from vaewidgets.files import write_whole
from vaewidgets.publish.embed import STATIC, Store, Table, content_html, in_script, in_style, pack
from vaewidgets.publish.page import still_html


@dataclass(frozen=True)
class Pieces:
    """Widgets as HTML.

    Attributes
    ----------
    places : dict of str
        An element for each widget, by the name of its state: put it where the widget is to be drawn; it may
        stand in several places.
    rest : str
        Data, styles and programs: they have to stand in the page once, after the places.
    """

    places: dict[str, str]
    rest: str


def html_pieces(
    states: Mapping[str, Mapping[str, Any]],
    *,
    stills: Mapping[str, bytes | None] | None = None,
    folder: str | os.PathLike[str] | None = None,
    address: str = "",
) -> Pieces:
    """Return widgets as pieces of HTML: alive without kernel and network, linked where they share a run.

    Parameters
    ----------
    states : dict of dict
        By name, each as `page_html` takes it. A page has one set of pieces.
    stills : dict of bytes, optional
        PNGs by the same names: what stands in a place until its widget is drawn.
    folder : path, optional
        Where programs and data go as files: the pages of a site then load a program that they share once. By
        default all of it stands in the page.
    address : str
        Of that folder as the page sees it, such as "../_static/widgets".

    Raises
    ------
    OptionError
        If there are no states, one has no module, or the folder does not exist.
    """
    if not states:
        raise OptionError("html_pieces(states) got none; expected the state of one widget at least.")
    pictures = {name: still_html(png) for name, png in (stills or {}).items() if png}
    places = {
        name: f'<div class="vw-page-widget" data-vw-widget="{number}">{pictures.get(name, "")}</div>'
        for number, name in enumerate(states)
    }
    host = (STATIC / "embed.js").read_text("utf-8").strip()
    style = (STATIC / "embed.css").read_text("utf-8")
    if folder is None:
        store = Store()
        widgets, styles = pack(states.values(), store, store)
        rest = [
            f"<style>{in_style(chr(10).join([style, *styles]))}</style>",
            store.html(),
            content_html(widgets),
            f'<script type="module">{in_script(host)}</script>',
        ]
        return Pieces(places, "\n".join(rest))
    files = _Files(folder, address)
    programs, data = Table(), Table()
    widgets, styles = pack(states.values(), programs, data)
    links = [f'<link rel="stylesheet" href="{files.write(text, "css")}">' for text in [style, *styles]]
    # a classic program, unlike a module, may come from a disk; in a function, so that its names stay its own
    codes = [*programs.programs.values(), "\n".join(data.programs.values()), f"(() => {{{host}}})();"]
    scripts = [f'<script defer src="{files.write(code, "js")}"></script>' for code in codes if code]
    return Pieces(places, "\n".join([*links, content_html(widgets), *scripts]))


class _Files:
    """Texts as files that are named after what is in them."""

    def __init__(self, folder: str | os.PathLike[str], address: str) -> None:
        self._folder = Path(folder)
        self._address = f"{address.rstrip('/')}/" if address else ""
        if not self._folder.is_dir():
            raise OptionError(
                f"html_pieces(folder=...) got {self._folder}, which is no folder; make it first."
            )

    def write(self, text: str, ending: str) -> str:
        """Return the address of a file with this text."""
        content = text.encode("utf-8")
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
        with write_whole(self._folder / name) as file:
            file.write(content)
        return self._address + name
