"""The sources of the site, gathered in one folder: what is written for GitHub becomes pages of the site."""

from __future__ import annotations

import inspect
import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from docs.badges import BADGE
from docs.names import ROOMS, room_of_names
from docs.run import gallery_states
from docs.showcase import WIDGETS, guide, summary
from vaewidgets.publish import html_pieces, revive_notebook

__all__ = ["gather"]

ROOT = Path(__file__).parents[1]
HERE = ROOT / "docs"
SHARED = "_static/widgets"
PLAYGROUND = "playground.html"
_INVITATION = (
    f'<p><a href="{PLAYGROUND}">Train a variational autoencoder in a page</a>, on your own drawings, too.</p>'
)

_PICTURE = re.compile(r"<picture>.*?<img alt=\"([^\"]*)\" src=\"([^\"]*)-light\.png\">\s*</picture>", re.S)


def gather(target: Path, executed: Iterable[Path], *, gallery: Path | None) -> None:
    """Write the sources of all pages.

    Parameters
    ----------
    target : Path
        The folder; made here.
    executed : iterable of Path
        Notebooks with outputs and states of widgets.
    gallery : Path or None
        Folder that keeps the states of the gallery's widgets; None: it shows pictures.
    """
    shared = target / SHARED
    shared.mkdir(parents=True)
    (target / "notebooks").mkdir()
    (target / "api").mkdir()
    shutil.copy(HERE / "site.css", target / "_static")
    shutil.copytree(HERE / "images", target / "_static" / "images")
    names = []
    for path in executed:
        live = revive_notebook(json.loads(path.read_text("utf-8")), folder=shared, address=f"../{SHARED}")
        for cell in live["cells"]:
            cell["source"] = _unbadged("".join(cell["source"]))
        (target / "notebooks" / path.name).write_text(json.dumps(live), encoding="utf-8")
        names.append(path.stem)
    home = _adapted((ROOT / "README.md").read_text("utf-8"))
    places = None
    if gallery is not None:
        states = gallery_states(gallery)
        pieces = html_pieces(states, folder=shared, address=SHARED)
        places = {**pieces.places, "": pieces.rest}
        explorer = html_pieces({"one": states["LatentExplorer"]}, folder=shared, address=SHARED)
        home = re.sub(
            r"<img alt=\"LatentExplorer.*?only-dark\">",
            lambda _: f"{explorer.places['one']}\n{explorer.rest}\n{_INVITATION}",
            home,
            count=1,
            flags=re.S,
        )
    (target / "index.md").write_text(_linked(home, names) + _contents(names), encoding="utf-8")
    (target / "widgets.md").write_text(_gallery(places), encoding="utf-8")
    for name in ("CHANGELOG", "CONTRIBUTING"):
        (target / f"{name}.md").write_text(
            _adapted((ROOT / f"{name}.md").read_text("utf-8")), encoding="utf-8"
        )
    for path in HERE.glob("*.md"):
        if path.stem != "widgets":
            (target / path.name).write_text(_adapted(path.read_text("utf-8")), encoding="utf-8")
    _write_api(target / "api")


def _adapted(text: str) -> str:
    """Return Markdown written for the repository as a page at the root of the site."""
    text = _unbadged(text)
    text = _PICTURE.sub(lambda found: _images(found[1], found[2]), text)
    text = (
        text.replace("](docs/", "](")
        .replace("](images/", "](_static/images/")
        .replace('="docs/images/', '="_static/images/')
    )
    return text.replace('="images/', '="_static/images/')


def _unbadged(text: str) -> str:
    """Return Markdown with links in place of badges, which come from somebody's server."""
    return BADGE.sub(r"[\1](\2)", text)


def _linked(text: str, notebooks: Iterable[str]) -> str:
    """Return it with links to these notebooks only; of the others the words stay."""
    known = set(notebooks)
    return re.sub(
        r"\[([^\]]*)\]\(notebooks/(\w+)\.ipynb\)", lambda link: link[0] if link[2] in known else link[1], text
    )


def _images(said: str, path: str) -> str:
    """Return an image for each theme: the site's own switch turns them, not the system."""
    return "\n".join(
        f'<img alt="{said}" src="{path}-{theme}.png" class="only-{theme}">' for theme in ("light", "dark")
    )


def _contents(notebooks: list[str]) -> str:
    parts = {
        "The lecture": [f"notebooks/{name}" for name in notebooks],
        "Widgets": ["widgets"],
        "Reference": [
            *(
                "guide",
                "data",
                "loops",
                "publishing",
                "hosts",
                "models",
                "operations",
                "api/index",
                "experiments",
                "speed",
            )
        ],
        "Project": ["CHANGELOG", "architecture", "looks", "reliability", "CONTRIBUTING"],
    }
    return "".join(
        "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])
        for caption, pages in parts.items()
        if pages
    )


def _gallery(places: dict[str, str] | None) -> str:
    text = ["# All widgets", ""]
    if places is not None:
        text += [
            "Each is alive here, without a kernel: hover, drag, turn. Those of one run are linked, so that a "
            "point chosen in one is chosen in the others. What only a kernel can do is hidden.",
            "",
        ]
    for name in WIDGETS:
        reference = f'<a href="api/widgets.html#vaewidgets.widgets.{name}">Reference</a>'
        text += [f"## {name}", "", f"{summary(name)} {reference}.", "", *guide(name), ""]
        if places is not None:
            text += ["```{raw} html", places[name], "```", ""]
        elif (HERE / "images" / f"{name}-light.png").exists():
            text += [_images(name, f"_static/images/{name}"), ""]
    if places is not None:
        text += ["```{raw} html", places[""], "```", ""]
    return "\n".join(text)


# What the classes that are exported have from those that are not.
COMMON = {
    "widgets": [
        "## What all widgets have",
        "",
        "```{eval-rst}",
        ".. autoclass:: vaewidgets.live.widget.LiveWidget",
        "   :members: view, frame, thinned, figure, save_html, close",
        "   :no-index-entry:",
        "",
        ".. autoclass:: vaewidgets.live.run_widget.RunWidget",
        "   :members: run, runs",
        "   :no-index-entry:",
        "```",
        "",
    ]
}


def _write_api(target: Path) -> None:
    rows = []
    for room, title in ROOMS.items():
        module = f"vaewidgets.{room}"
        text = [f"# {title}", "", "```{eval-rst}", f".. automodule:: {module}", "   :members:", "```", ""]
        text += COMMON.get(room, [])
        (target / f"{room}.md").write_text("\n".join(text), encoding="utf-8")
        doc = (inspect.getdoc(__import__(module, fromlist=["_"])) or "").split("\n\n")[0].replace("\n", " ")
        rows.append(f"[{title}]({room}.md)\n: {doc}\n")
    public = [
        f"{{py:obj}}`vw.{name} <vaewidgets.{room}.{name}>`"
        for name, room in sorted(room_of_names().items(), key=_folded)
    ]
    toctree = ["```{toctree}", ":hidden:", "", *ROOMS, "```", ""]
    page = ["# API reference", "", *rows, "## Names of the package", ""]
    page += ["`import vaewidgets as vw` brings all of these:", "", ", ".join(public) + ".", "", *toctree]
    (target / "index.md").write_text("\n".join(page), encoding="utf-8")


def _folded(pair: tuple[str, str]) -> str:
    return pair[0].casefold()
