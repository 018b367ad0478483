"""Runs of an experiment that are kept in files until it is whole, so that one that is cut off goes on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from vaewidgets.data import ImageDataset
from vaewidgets.errors import CheckpointError
from vaewidgets.experiments.base import Setting
from vaewidgets.files import sweep_leftovers
from vaewidgets.runs import ArchivedRun, TrainingRun
from vaewidgets.runs.load import load_run
from vaewidgets.sweeps.key import fingerprint, plain
from vaewidgets.sweeps.task import open_run, read_status

# Options of `train` that change nothing about what is trained.
FREE = {"start", "speed", "autosave", "name", "device", "cuda_graph"}


@final
class KeptRuns:
    """A folder of run files, one a setting.

    A file's name holds a hash of its setting, of the options of the training and of the data, so that what
    was trained otherwise is never taken for it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: set[Path] = set()

    def open(
        self, setting: Setting, data: ImageDataset, training: Mapping[str, Any]
    ) -> TrainingRun | ArchivedRun:
        """Load a setting's finished run; else make it, not started, as far as its file got."""
        path = self._path(setting, data, training)
        self._opened.add(path)
        if read_status(path) == "finished":
            with contextlib.suppress(CheckpointError):
                return load_run(path, model=setting.build(data), data=data, device=training.get("device"))
        self.folder.mkdir(parents=True, exist_ok=True)
        return open_run(lambda: setting.build(data), data, path, training=training, name=setting.name)

    def forget(self) -> None:
        """Delete the files of what was opened, and the folder if nothing else is in it."""
        for path in self._opened:
            path.unlink(missing_ok=True)
        sweep_leftovers(self.folder, ".*.part")
        with contextlib.suppress(OSError):  # there is none, or it holds what another scale left
            self.folder.rmdir()

    def _path(self, setting: Setting, data: ImageDataset, training: Mapping[str, Any]) -> Path:
        shaping = {name: plain(value) for name, value in training.items() if name not in FREE}
        model = plain(dict(setting.model))
        what = {"model": model, "seed": setting.seed, "train": shaping, "data": fingerprint(data)}
        digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", setting.name).strip("-.")[:60]
        return self.folder / f"{slug}_{digest}.safetensors"
