"""A saved run where there is no torch: its widgets are alive, and the page trains.

`save` writes a run file that also holds what a page needs to show the run; Python without torch could not
compute it. `open` reads it with the standard library and anywidget alone, also in JupyterLite and in marimo's
WebAssembly. The file holds no code: the widgets' programs are those of the installed package.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import io
import json
import os
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, final

import anywidget
import traitlets

from vaewidgets import checks
from vaewidgets.cells import by_marimo
from vaewidgets.contract.png import in_few_colors, size_metadata
from vaewidgets.contract.run_file import PAGE, Faults, read_bytes, read_facts, read_layout
from vaewidgets.errors import CheckpointError, OptionError, PortableError, VAEWidgetsError
from vaewidgets.live.bundle import STATIC, bundle
from vaewidgets.publish.embed import Buffer, pack, pack_trainings

if TYPE_CHECKING:
    import numpy as np

    from vaewidgets.live.run_widget import RunWidget
    from vaewidgets.live.widget import LiveWidget
    from vaewidgets.runs import Run

__all__ = ["Replay", "open", "save"]

_PAGE_FORMAT = 1
_PROGRAMS = ("module", "program", "panel")  # what a widget, or a training, names of the package's programs
_NUMPY = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "|u1"}
# What is saved of a run, as far as its model has it.
_WIDGETS = (
    "LatentExplorer",
    "LatentScatter",
    "TrainingCurves",
    "ActiveUnitsBar",
    "ReconstructionGrid",
    "LatentTraversal",
    "LatentManifold",
    "InterpolationStrip",
    "LatentArithmetic",
    "PriorSamples",
    "SketchEncoder",
)


def _as_text(content: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """States as JSON beside their buffers: in a message of JupyterLite's kernel None would be undefined."""
    plain = json.dumps({"widgets": content["widgets"], "trainings": content["trainings"]})
    return {"plain": plain, "blobs": content["blobs"]}


def _from_page(view: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """What was turned. In JupyterLite null arrives as Pyodide's own object for it."""
    null = getattr(sys.modules.get("pyodide.ffi"), "jsnull", None)
    return {key: None if value is null else value for key, value in view.items()}


@final
class Replay(anywidget.AnyWidget):
    """Widgets of a saved run, alive without torch; `open` makes it.

    Hovering decodes, the time line plays and, where training was saved, the buttons train, all in the page.
    Widgets of one run are linked, and trained together, in whichever cells they stand. What the page trains
    stays there; Python has the run as it was saved.

    Attributes
    ----------
    names : tuple of str
        Of all widgets in the file; `open` shows them by name.
    facts : dict
        What the file says of the run: "name", "step", "epoch", "beta", "options", ...
    history : dict of ndarray
        What was measured, by name, and "step", at which.
    view : dict
        What was turned in the page, as small JSON: "selected" are the numbers of the points inside the lasso.
        Read it, keep it, assign it; in marimo, cells that use `mo.ui.anywidget(saved)` then run again.
    """

    _esm = bundle(STATIC / "replay.js")
    _css = bundle(STATIC / "vaewidgets.css")

    replay_id = traitlets.Unicode(help="Its name among all in a page. Owner: Python.").tag(sync=True)
    content = traitlets.Dict(help="States of widgets, and buffers by reference. Owner: Python.").tag(
        sync=True, to_json=_as_text
    )
    view = traitlets.Dict(help="What was turned in the page. Owner: both.").tag(
        sync=True, from_json=_from_page
    )

    def __init__(self, file: _RunFile, content: dict[str, Any]) -> None:
        self._still = file.still(content["widgets"][0]["name"])
        self.names = file.names
        self.facts = {name: value for name, value in file.facts.items() if name != PAGE}
        self._file = file
        super().__init__(replay_id=uuid.uuid4().hex[:12], content=content)

    @functools.cached_property
    def history(self) -> dict[str, np.ndarray]:
        columns = {name: self._file.array(f"history.column.{name}") for name in self.facts["columns"]}
        return {"step": self._file.array("history.steps"), **columns}

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """As of any widget; in marimo, once it is open, the view alone: a cell reads that as `.value`."""
        if key is None and by_marimo() and getattr(self, "comm", None) is not None:
            return dict(self.view)
        return super().get_state(key, drop_defaults)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """As of any widget, with a picture for where none can live, such as on GitHub."""
        data, metadata = super()._repr_mimebundle_() or ({}, {})
        if self._still is None:
            return data, metadata
        png = base64.b64encode(self._still).decode("ascii")
        return {**data, "image/png": png}, {**metadata, **size_metadata(self._still)}

    def __repr__(self) -> str:
        """Stable: no address."""
        shown = ", ".join(widget["name"] for widget in self.content["widgets"])
        return f"Replay({self.facts['name']}: {shown})"


def open(path: str | os.PathLike[str], *names: str) -> Replay:
    """Open a run file of `replay.save`; needs no torch.

    Parameters
    ----------
    path : str or path
    *names : str
        The widgets to show, one below the other, such as "LatentExplorer", "TrainingCurves"; by default the
        first in the file. `Replay.names` has all.

    Raises
    ------
    CheckpointError
        If it is no run file, of a later version, or was not written by `replay.save`.
    OptionError
        If a name is none of those in the file.

    Examples
    --------
    >>> saved = replay.open("vae.safetensors")                      # doctest: +SKIP
    >>> replay.open("vae.safetensors", "TrainingCurves")            # doctest: +SKIP
    """
    file = _RunFile(path)
    for name in names:
        checks.one_of("name", name, file.names)
    return Replay(file, file.content(names or file.names[:1]))


def save(
    source: Run | LiveWidget | Iterable[LiveWidget],
    path: str | os.PathLike[str],
    *,
    train: bool | Mapping[str, Any] = True,
) -> None:
    """Save a run so that `replay.open` shows it without torch, and `vaewidgets.load_run` goes on with it.

    Parameters
    ----------
    source : Run, widget or widgets of one run
        Of a run all widgets that show it; of widgets these, as they are turned now.
    path : str or path
        Replaced as a whole, or not at all.
    train : bool or dict, default True
        Whether the page trains, as in `save_html`: a dict says what a new run may choose, or how many images
        travel, ``dict(latent_dim=[2, 8], n_images=5000)``.

    Raises
    ------
    PortableError
        If the page cannot train the model; ``train=False`` saves it to be looked at.
    OptionError
        If `source` or `train` is something else.
    """
    import numpy as np
    import torch

    from vaewidgets.live.save import page_parts
    from vaewidgets.runs.run_file import write

    with _widgets_of(source) as widgets:
        run = widgets[0].run
        try:
            parts = page_parts(list(widgets), train, title=None, caller="replay.save")
        except PortableError as error:
            raise PortableError(f"{error} Without training: replay.save(run, path, train=False).") from error
    buffers, programs = _Buffers(), _Programs()
    parted = pack(parts.states, programs, buffers)[0]
    stills: dict[str, int] = {}
    for widget, part, still in zip(widgets, parted, parts.stills, strict=True):
        part["name"] = type(widget).__name__
        if still is not None:
            stills[part["name"]] = buffers.add(in_few_colors(still))
    trainings = pack_trainings(parts.trainings, programs, buffers)
    content = {"widgets": parted, "trainings": trainings, "stills": stills}
    kept = run.checkpoint()
    tensors = {
        f"{PAGE}.{i}": torch.from_numpy(np.frombuffer(bytearray(data), np.uint8))
        for data, i in buffers.numbers.items()
    }
    facts = {**kept.facts, PAGE: {"format": _PAGE_FORMAT, **content}}
    write(dataclasses.replace(kept, facts=facts, tensors={**kept.tensors, **tensors}), path)


@contextlib.contextmanager
def _widgets_of(source: Any) -> Iterator[list[RunWidget]]:
    """The widgets to be saved; those that are made for it are closed."""
    from vaewidgets import widgets as known
    from vaewidgets.live.run_widget import RunWidget
    from vaewidgets.live.save import widgets_of
    from vaewidgets.runs import Run

    if isinstance(source, Run):
        made: list[RunWidget] = []
        try:
            for name in _WIDGETS:
                with contextlib.suppress(VAEWidgetsError):  # a widget that is not for this model
                    made.append(getattr(known, name)(source))
            yield made
        finally:
            for widget in made:
                widget.close()
        return
    chosen = [widget for widget in widgets_of(source, "replay.save") if isinstance(widget, RunWidget)]
    if len({run.id for widget in chosen for run in widget.runs}) != 1:
        raise OptionError(
            "replay.save got widgets of several runs, or of none; expected a run, or widgets of one: "
            "replay.save(run, path)."
        )
    yield chosen


class _Buffers:
    """Numbers for arrays, by content: what several widgets show is kept once."""

    def __init__(self) -> None:
        self.numbers: dict[bytes, int] = {}

    def add(self, data: Buffer) -> int:
        return self.numbers.setdefault(bytes(data), len(self.numbers))


class _Programs:
    """Names of the package's programs in place of their text: a run file holds no code."""

    def add(self, data: Buffer) -> str:
        name = _program_names().get(bytes(data))
        if name is None:
            raise OptionError("got a widget with a program of its own; expected widgets of vaewidgets.")
        return name


@functools.cache
def _program_names() -> dict[bytes, str]:
    return {path.read_bytes(): path.stem for path in STATIC.glob("*.js")}


class _RunFile:
    """A run file that `save` wrote, read without torch.

    Attributes
    ----------
    names : tuple of str
        Of the widgets in it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        target = checks.path("path", path)
        if not target.is_file():
            raise CheckpointError(f"there is no file {str(target)!r}.")
        data = target.read_bytes()
        faults = Faults(target)
        self._file, self._faults = io.BytesIO(data), faults
        self._layout = read_layout(self._file, len(data), faults)
        self.facts = read_facts(self._layout, faults)
        page = self.facts.get(PAGE)
        if page is None:
            raise CheckpointError(
                f"{str(target)!r} holds a run, but no pictures of it, and without torch none can be made. "
                "Open it where torch is and save it again: "
                f"vw.replay.save(vw.load_run({target.name!r}), {target.name!r})."
            )
        if not isinstance(page, dict) or page.get("format") != _PAGE_FORMAT:
            raise CheckpointError(
                f"{str(target)!r} was written by a later version of vaewidgets; install that one to open it."
            )
        self._page = page
        try:
            self.names = tuple(str(widget["name"]) for widget in page["widgets"])
            self.content(self.names)
        except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            raise CheckpointError(f"{str(target)!r} is damaged: its pictures lack {error!r}.") from error

    def array(self, name: str) -> np.ndarray:
        """A tensor of the file."""
        import numpy as np

        entry = self._layout.entries[name]
        return np.frombuffer(self._bytes(name), _NUMPY[entry.dtype]).reshape(entry.shape)

    def content(self, names: Iterable[str]) -> dict[str, Any]:
        """What the page shows of these widgets: states, what it can train; buffers, programs by reference."""
        by_name = {widget["name"]: widget for widget in self._page["widgets"]}
        widgets = [
            # views of one widget know each other by its name: each time that it is opened it is another one
            {**by_name[name], "state": {**by_name[name]["state"], "widget_id": uuid.uuid4().hex[:12]}}
            for name in names
        ]
        trainings = self._page["trainings"]
        blobs: dict[str, bytes] = {}
        numbers = [training["state"] for training in trainings]
        for number in [*numbers, *(n for part in [*widgets, *trainings] for _, n in part["buffers"])]:
            blobs[str(number)] = self._bytes(f"{PAGE}.{number}")
        for name in {part[key] for part in [*widgets, *trainings] for key in _PROGRAMS if key in part}:
            blobs[name] = (STATIC / f"{name}.js").read_bytes()
        return {"widgets": widgets, "trainings": trainings, "blobs": blobs}

    def still(self, name: str) -> bytes | None:
        """PNG of a widget as it was saved; None: a file of before, or a widget that cannot be drawn."""
        number = self._page.get("stills", {}).get(name)
        return None if number is None else self._bytes(f"{PAGE}.{number}")

    def _bytes(self, name: str) -> bytes:
        return bytes(read_bytes(self._file, name, self._layout, self._faults) or b"")
