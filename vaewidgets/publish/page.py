"""The page around the widgets: one HTML text that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import html
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaewidgets import checks
from vaewidgets.contract.png import css_size, in_few_colors
from vaewidgets.errors import OptionError
from vaewidgets.files import write_whole
from vaewidgets.publish.embed import STATIC, Store, content_html, in_script, in_style, pack, pack_trainings

_PAGE = """<!doctype html>
<html lang="en"{framed}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="vaewidgets">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}
</style>
</head>
<body>
<header class="vw-page-head"><h1>{title}</h1></header>
<main class="vw-page"></main>
<div class="vw-page-unrun">
<noscript>
<style>.vw-page-forbidden {{ display: none }}</style>
<p class="vw-page-fault">JavaScript is off. In JupyterLab, press “Trust HTML” above.</p>
</noscript>
<p class="vw-page-fault vw-page-forbidden">{forbidden}</p>
{stills}
</div>
{data}
{content}
<script type="module">{host}</script>
</body>
</html>
"""

# Shown until the page's program runs, which takes it away. The same policy can forbid what a program says.
_FORBIDDEN = (
    "The program of this page was not run: the server, or the page around this one, allows no inline scripts "
    "(its Content-Security-Policy). Below is the picture that was saved. Download the page and open it from "
    "the disk, or allow script-src 'unsafe-inline' blob: 'wasm-unsafe-eval' for it."
)


def page_html(
    states: Sequence[Mapping[str, Any]],
    *,
    title: str,
    stills: Sequence[bytes | None] = (),
    trainings: Mapping[str, Mapping[str, Any]] | None = None,
    framed: bool = False,
) -> str:
    """Return one HTML text that shows the widgets alive, from a file, without a kernel or a network.

    Parameters
    ----------
    states : sequence of dict
        One a widget, as `get_state()` gives it: plain JSON with bytes in it, the widget's module as the
        text `_esm` and its style sheet as `_css`. Other keys that begin with an underscore stay out.
    title : str
        Of the page; any text.
    stills : sequence of bytes, optional
        PNGs of the widgets, for where JavaScript is off; None for one that has no picture.
    trainings : dict of Trainable, optional
        By the id of a run that widgets show: what the page needs to train it (see `publish.training`).
    framed : bool
        Whether it stands in a frame of somebody else's page: it has no heading then, and says how tall it is.

    Returns
    -------
    str
        Each distinct module, style sheet and buffer stands in it once.

    Raises
    ------
    OptionError
        If there are no states, or one has no module.
    """
    if not states:
        raise OptionError("page_html(states) got none; expected the state of one widget at least.")
    store = Store()
    packed = pack_trainings(trainings or {}, store, store)  # first: of its weights the widgets show a part
    widgets, styles = pack(states, store, store)
    own = ["page.css", *(["own_images.css"] if packed else [])]
    styles = [*((STATIC / name).read_text("utf-8") for name in own), *styles]
    host = in_script((STATIC / "page.js").read_text("utf-8").strip())
    return _PAGE.format(
        policy=_policy(host, trains=bool(packed)),
        title=html.escape(title),
        framed=" data-vw-frame" if framed else "",
        forbidden=html.escape(_FORBIDDEN),
        style=in_style("\n".join(styles)),
        data=store.html(),
        content=content_html(widgets, packed),
        host=host,
        stills="\n".join(f"<p>{still_html(png)}</p>" for png in stills if png),
    )


def write_page(path: str | os.PathLike[str], text: str) -> Path:
    """Write a page to a file, as a whole or not at all.

    Raises
    ------
    OptionError
        If `path` is a folder, or is in one that does not exist.
    """
    target = checks.path("path", path)
    if target.is_dir():
        raise OptionError(
            f"save_html(path) got the folder {target}; expected a file, such as {target / 'page.html'}."
        )
    if not target.parent.is_dir():
        raise OptionError(
            f"save_html(path) got {target}, but there is no folder {target.parent}; make it first."
        )
    with write_whole(target) as file:
        file.write(text.encode())
    return target


def still_html(png: bytes) -> str:
    """Return the picture of a widget as an element: in 256 colors it takes a third of the room."""
    data = base64.b64encode(in_few_colors(png)).decode("ascii")
    alt, (width, _) = "the widget as it was saved", css_size(png)
    return f'<img class="vw-page-still" alt="{alt}" width="{width}" src="data:image/png;base64,{data}">'


def _policy(host: str, *, trains: bool) -> str:
    """Return a content security policy: of all there is, only the page's own script, modules and pictures."""
    digest = base64.b64encode(hashlib.sha256(host.encode("utf-8")).digest()).decode("ascii")
    return "; ".join(
        [
            "default-src 'none'",
            # modules are loaded from blobs; WebAssembly multiplies the matrices
            f"script-src 'sha256-{digest}' blob: 'wasm-unsafe-eval'",
            "worker-src blob:" if trains else "worker-src 'none'",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
