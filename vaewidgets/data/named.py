"""Data sets by name: drawn digits, shapes, faces; scikit-learn's digits, MNIST, Fashion-MNIST, Frey faces."""

from __future__ import annotations

import gzip
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaewidgets import checks
from vaewidgets.checks import flag, random_seed
from vaewidgets.data.convert import resize
from vaewidgets.data.dataset import ImageDataset, draw
from vaewidgets.data.faces import FACE_FACTOR_COUNTS, FACE_FACTOR_NAMES, make_faces
from vaewidgets.data.factors import Factored
from vaewidgets.data.shapes import FACTOR_COUNTS, FACTOR_NAMES, SHAPE_NAMES, make_shapes
from vaewidgets.data.sources import as_size
from vaewidgets.data.strokes import STROKE_FACTOR_COUNTS, STROKE_FACTOR_NAMES, make_strokes
from vaewidgets.errors import DataError, DatasetNotFoundError, OptionError, did_you_mean
from vaewidgets.files import cache_folder

_FASHION = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_DIGITS = tuple(str(i) for i in range(10))

Pixels = np.ndarray


@dataclass(frozen=True)
class _Raw:
    """uint8 images, (N, H, W), and labels of both splits."""

    train: Pixels
    test: Pixels
    train_labels: Pixels | None
    test_labels: Pixels | None
    class_names: tuple[str, ...] | None


def load_dataset(
    name: str,
    *,
    root: str | os.PathLike[str] | None = None,
    n_train: int | None = None,
    n_test: int | None = None,
    seed: int = 0,
    size: int | tuple[int, int] | None = None,
    value_range: tuple[float, float] = (0.0, 1.0),
    download: bool = True,
) -> ImageDataset:
    """Load a data set by its name.

    Parameters
    ----------
    name : {"strokes", "digits", "mnist", "fashion-mnist", "frey", "shapes", "faces"}
        "strokes": the digits 0 to 9 as hands write them, drawn here from pen strokes (nothing is read), 2,000
        + 400 images of 28 x 28, centred as in MNIST; style, slant, width, thickness and turn of each are
        known (`ImageDataset.factors`). "digits": 1,797 digits of 8 x 8 pixels that scikit-learn ships,
        enlarged to 28 x 28; every fifth image of each class is for testing, whatever the seed. "mnist" and
        "fashion-mnist": 60,000 + 10,000 images of 28 x 28. "frey": 1,965 frames of 28 x 20 (height x width)
        from a video of one face, without classes; the last sixth of the video (327 frames) is for testing,
        since neighbouring frames are all but equal. "shapes": a white ellipse, square or heart on black,
        drawn here, 10,000 + 2,000 images of 32 x 32 unless `n_train`, `n_test` and `size` say otherwise;
        shape, scale, rotation, x and y are independent and known (`ImageDataset.factors`), and no combination
        is drawn twice. "faces": one face drawn likewise, which turns, nods, smiles, talks and blinks, 1,600 +
        320 images of 28 x 20, without classes; one in fifty has its tongue out. It stands in for "frey" where
        that is not at hand.
    root : path, optional
        Folder that holds ``MNIST/raw``, ``FashionMNIST/raw`` or ``frey``. By default the folder that the
        environment variable VAEWIDGETS_DATA names is searched, then the user's cache (VAEWIDGETS_CACHE, or
        the platform's). Archives are read in place; it need not be writable.
    n_train, n_test : int, optional
        Take only so many images, drawn with `seed`; of the drawn sets, draw so many.
    seed : int
        For `n_train` and `n_test`; for the drawn sets, which images are drawn.
    size : int or (height, width), optional
        Resize to this, bilinear and antialiased. ``size=8`` gives "digits" as they are.
    value_range : tuple of float
        What black and white are to the model.
    download : bool
        Fetch MNIST and Fashion-MNIST where they are missing, into `root` or the cache.

    Returns
    -------
    ImageDataset

    Raises
    ------
    OptionError
        If the name is unknown, or a count out of its range.
    DatasetNotFoundError
        If the files are not there and could not be fetched.
    DataError
        If a file is damaged.
    """
    flag("download", download)
    random_seed(seed)
    key = str(name).lower().replace("_", "-").replace(" ", "-")
    names = (*_LOADERS, *_DRAWN)
    if key not in names:
        begun = [one for one in names if key.startswith(one)]  # "frey-faces" is no drawn face
        hint = did_you_mean(key, begun or names)
        raise OptionError(f"unknown data set {name!r}; expected one of {', '.join(map(repr, names))}.{hint}")
    wanted = as_size(size)
    if key in _DRAWN:
        return _drawn(key, n_train, n_test, seed, size=wanted, value_range=value_range)
    raw = _LOADERS[key](_roots(root), download)
    if key == "digits" and wanted is None:
        wanted = (28, 28)
    data = ImageDataset(
        _resized(raw.train, wanted),
        raw.train_labels,
        test=(_resized(raw.test, wanted), raw.test_labels),
        value_range=value_range,
        class_names=raw.class_names,
        name=key,
    )
    train = data.train if n_train is None else draw(data.train, n_train, seed, "n_train")
    assert data.test is not None
    test = data.test if n_test is None else draw(data.test, n_test, seed, "n_test")
    return data._replaced(train=train, test=test)


@dataclass(frozen=True)
class _Drawing:
    """How a set is drawn; its classes, where it has any, are the first factor."""

    make: Callable[..., Factored]
    names: tuple[str, ...]
    counts: tuple[int, ...]
    class_names: tuple[str, ...] | None


def _drawn(key: str, n_train: int | None, n_test: int | None, seed: int, **options: Any) -> ImageDataset:
    drawing = _DRAWN[key]
    drawn = drawing.make(n_train, n_test, seed, options.pop("size"))
    labels, test_labels = (
        None if drawing.class_names is None else table[:, 0]
        for table in (drawn.train_factors, drawn.test_factors)
    )
    data = ImageDataset(
        drawn.train,
        labels,
        test=(drawn.test, test_labels),
        # a run file knows its data by name and size alone, and another seed draws other images
        name=key if seed == 0 else f"{key} (seed {seed})",
        class_names=drawing.class_names,
        **options,
    )
    return data.with_factors(drawing.names, drawing.counts, drawn.train_factors, drawn.test_factors)


def _resized(images: Pixels, size: tuple[int, int] | None) -> Any:
    if size is None or images.shape[1:] == size:
        return images
    return resize(torch.from_numpy(images).unsqueeze(1), size).squeeze(1)


def datasets_at_hand() -> tuple[str, ...]:
    """Names of the sets that can be loaded here and now, with nothing to fetch."""
    roots = _roots(None).search
    needed = {
        "mnist": [[root / "MNIST" / "raw" / stem for stem in _IDX_FILES] for root in roots],
        "fashion-mnist": [[root / "FashionMNIST" / "raw" / stem for stem in _IDX_FILES] for root in roots],
        "frey": [[root / "frey" / "frey_rawface.mat"] for root in roots],
    }
    found = [
        name
        for name, places in needed.items()
        if any(all(_idx_path(path.parent, path.name) for path in files) for files in places)
    ]
    return ("strokes", "digits", *found, *[name for name in _DRAWN if name != "strokes"])


# ---------------------------------------------------------------------------- where files lie


@dataclass(frozen=True)
class _Roots:
    search: tuple[Path, ...]
    fetch: Path


def _roots(root: str | os.PathLike[str] | None) -> _Roots:
    if root is not None:
        folder = checks.path("root", root)
        return _Roots((folder,), folder)
    named = os.environ.get("VAEWIDGETS_DATA")
    data = (checks.path("VAEWIDGETS_DATA", named),) if named else ()
    try:
        cache = cache_folder()
    except OptionError:  # no home folder
        if not data:
            raise
        return _Roots(data, data[0])
    return _Roots((*data, cache), cache)


def _not_found(title: str, folders: list[Path], files: list[str], how: str) -> DatasetNotFoundError:
    places = " and ".join(repr(str(folder)) for folder in folders)
    return DatasetNotFoundError(
        f"{title} was not found in {places}; expected the files {', '.join(files)} there. {how} Another "
        "folder is named by root=... or by the environment variable VAEWIDGETS_DATA."
    )


# ---------------------------------------------------------------------------- the sets


def _digits(_roots: _Roots, _download: bool) -> _Raw:
    table = _digits_table()
    images = np.round(table[:, :64] * (255.0 / 16.0)).astype(np.uint8).reshape(-1, 8, 8)
    labels = table[:, 64].astype(np.int64)
    test = np.zeros(len(labels), dtype=bool)
    for digit in range(10):
        test[np.flatnonzero(labels == digit)[4::5]] = True
    return _Raw(images[~test], images[test], labels[~test], labels[test], _DIGITS)


def _digits_table() -> np.ndarray:
    """Rows of 64 values from 0 to 16 and the digit, (1797, 65)."""
    # The file beside scikit-learn's code is read as it lies, since importing scikit-learn takes seconds.
    spec = importlib.util.find_spec("sklearn")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            with gzip.open(path, "rt") as lines:
                return np.loadtxt(lines, delimiter=",")
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target])


_IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _idx_set(title: str, folder: str, class_names: tuple[str, ...]) -> Callable[[_Roots, bool], _Raw]:
    def load(roots: _Roots, download: bool) -> _Raw:
        folders = [root / folder / "raw" for root in roots.search]
        home = next((f for f in folders if all(_idx_path(f, stem) for stem in _IDX_FILES)), None)
        if home is None:
            home = _fetch(title, folder, folders, roots.fetch, download)
        train, train_labels, test, test_labels = (_read_idx(home, stem) for stem in _IDX_FILES)
        for images, labels in ((train, train_labels), (test, test_labels)):
            if images.ndim != 3 or labels.shape != images.shape[:1]:
                raise DataError(
                    f"the files of {title} in {str(home)!r} do not belong together. Fetch them again."
                )
        return _Raw(train, test, train_labels, test_labels, class_names)

    return load


def _idx_path(folder: Path, stem: str) -> Path | None:
    return next((p for p in (folder / f"{stem}.gz", folder / stem) if p.is_file()), None)


def _fetch(title: str, folder: str, folders: list[Path], target: Path, download: bool) -> Path:
    files = [f"{stem}.gz" for stem in _IDX_FILES]
    if not download:
        raise _not_found(title, folders, files, "Put them there, or pass download=True.")
    from torchvision import datasets

    try:
        target.mkdir(parents=True, exist_ok=True)
        for train in (True, False):
            getattr(datasets, folder)(str(target), train=train, download=True)
    except (OSError, RuntimeError) as error:
        raise _not_found(
            title,
            folders,
            files,
            f"Fetching them into {str(target)!r} failed ({type(error).__name__}: {error}). On a machine with "
            f'a network, run torchvision.datasets.{folder}("folder", download=True) and copy that folder '
            "here.",
        ) from error
    return target / folder / "raw"


def _read_idx(folder: Path, stem: str) -> Pixels:
    """Read one file of bytes in the IDX format: magic number, sizes (big endian), values."""
    path = _idx_path(folder, stem)
    if path is None:
        raise DataError(f"{str(folder / stem)!r} went missing while it was to be read.")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, OSError) as error:
        raise DataError(f"{str(path)!r} is damaged ({error}). Delete it and fetch it again.") from error
    ndim = content[3] if len(content) > 3 and content[:3] == b"\0\0\x08" else 0
    start = 4 + 4 * ndim
    whole = ndim > 0 and start <= len(content)
    shape = tuple(int(v) for v in np.frombuffer(content, ">u4", ndim, offset=4)) if whole else ()
    if not whole or len(content) != start + int(np.prod(shape)):
        raise DataError(f"{str(path)!r} is no whole IDX file of bytes. Delete it and fetch it again.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


_FREY_FRAMES, _FREY_OFFSET, _FREY_BYTES = 1965, 184, 184 + 1965 * 560


def _frey(roots: _Roots, _download: bool) -> _Raw:
    folders = [root / "frey" for root in roots.search]
    path = next((f / "frey_rawface.mat" for f in folders if (f / "frey_rawface.mat").is_file()), None)
    if path is None:
        how = (
            "It is not fetched, since it has no known licence: get frey_rawface.mat from "
            "https://cs.nyu.edu/~roweis/data.html and put it there."
        )
        raise _not_found("the Frey faces set", folders, ["frey_rawface.mat"], how)
    content = np.fromfile(path, np.uint8)
    if len(content) != _FREY_BYTES:
        raise DataError(f"{str(path)!r} has {len(content)} bytes; expected {_FREY_BYTES}. Fetch it again.")
    frames = content[_FREY_OFFSET:].reshape(_FREY_FRAMES, 28, 20)
    n_test = _FREY_FRAMES // 6
    return _Raw(frames[:-n_test], frames[-n_test:], None, None, None)


_DRAWN = {
    "strokes": _Drawing(make_strokes, STROKE_FACTOR_NAMES, STROKE_FACTOR_COUNTS, _DIGITS),
    "shapes": _Drawing(make_shapes, FACTOR_NAMES, FACTOR_COUNTS, SHAPE_NAMES),
    "faces": _Drawing(make_faces, FACE_FACTOR_NAMES, FACE_FACTOR_COUNTS, None),
}

_LOADERS: dict[str, Callable[[_Roots, bool], _Raw]] = {
    "digits": _digits,
    "mnist": _idx_set("MNIST", "MNIST", _DIGITS),
    "fashion-mnist": _idx_set("Fashion-MNIST", "FashionMNIST", _FASHION),
    "frey": _frey,
}
