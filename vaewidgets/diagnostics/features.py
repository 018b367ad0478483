"""What the encoder's means are good for as features: classifying, clustering, finding alike images."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vaewidgets.checks import whole
from vaewidgets.contract.texts import percent
from vaewidgets.errors import DataError, OptionError, ShapeError

_QUERIES = 1024  # rows of the distance matrix in memory at once


@dataclass(frozen=True, repr=False, eq=False)
class LinearProbe:
    """A logistic regression on features, judged on other images.

    Attributes
    ----------
    accuracy : float
        Share of the test images classified rightly, 0 to 1.
    majority : float
        The same for always naming the training set's largest class.
    confusion : Tensor, int64, shape (n_classes, n_classes)
        Test images by true class (row) and named class (column), in the order of `classes`.
    classes : tuple of int
    n_train, n_test : int
    """

    accuracy: float
    majority: float
    confusion: Tensor
    classes: tuple[int, ...]
    n_train: int
    n_test: int

    def __repr__(self) -> str:
        return (
            f"LinearProbe(accuracy {percent(self.accuracy, 1)} on {self.n_test} images, "
            f"always the largest class {percent(self.majority, 1)}; fitted on {self.n_train})"
        )


@dataclass(frozen=True, repr=False, eq=False)
class Clusters:
    """A k-means clustering of features.

    Attributes
    ----------
    assignment : Tensor, int64, shape (n,)
        Cluster of each point, from 0.
    centres : Tensor, float64, shape (k, d)
    purity : float
        Share of the points that belong to their cluster's largest class, 0 to 1; NaN without labels.
    adjusted_rand : float
        Agreement with the classes, 1 for the same grouping, about 0 for a random one; NaN without labels.
    """

    assignment: Tensor
    centres: Tensor
    purity: float
    adjusted_rand: float

    def __repr__(self) -> str:
        text = f"Clusters({len(self.centres)} clusters of {len(self.assignment)} points"
        if not np.isnan(self.purity):
            text += f"; purity {percent(self.purity, 1)}, adjusted Rand index {self.adjusted_rand:.3f}"
        return text + ")"


@dataclass(frozen=True, repr=False, eq=False)
class Neighbours:
    """The nearest features of each query.

    Attributes
    ----------
    index : Tensor, int64, shape (n, k)
        Which gallery images, the nearest first.
    distance : Tensor, float32, shape (n, k)
        Euclidean, in latent units.
    precision : float
        Share of the neighbours that are of their query's class; NaN without labels.
    chance : float
        The same for neighbours drawn at random; NaN without labels.
    """

    index: Tensor
    distance: Tensor
    precision: float
    chance: float

    def __repr__(self) -> str:
        text = f"Neighbours({self.index.shape[1]} of each of {len(self.index)} queries"
        if not np.isnan(self.precision):
            text += f"; {percent(self.precision, 1)} of the same class, by chance {percent(self.chance, 1)}"
        return text + ")"


def linear_probe(
    train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, *, strength: float = 1.0
) -> LinearProbe:
    """Fit a multinomial logistic regression on features, and judge it on others.

    Features are first scaled to unit variance, so that the penalty treats all units alike.

    Parameters
    ----------
    train, test : Tensor, shapes (n, d) and (m, d)
        Features, such as posterior means.
    train_labels, test_labels : Tensor of int64, shapes (n,) and (m,)
    strength : float
        Inverse weight of the squared penalty, above 0 (scikit-learn's C).

    Raises
    ------
    ShapeError
        If shapes do not fit.
    DataError
        If there is but one class to learn, or a feature is not finite.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    a, b = _features("train", train, train_labels), _features("test", test, test_labels)
    if a.shape[1] != b.shape[1]:
        raise ShapeError(f"train has {a.shape[1]} features, test has {b.shape[1]}; expected the same.")
    y, truth = np.asarray(train_labels), np.asarray(test_labels)
    known, counts = np.unique(y, return_counts=True)
    if len(known) < 2:
        raise DataError(f"all training labels are {known[0]}; expected two classes at least.")
    mean, scale = a.mean(0), a.std(0)
    scale[scale < 1e-12] = 1.0  # a collapsed unit says nothing; it must not be blown up
    with warnings.catch_warnings():
        # A probe that stopped early is still a fair lower bound on what the features tell.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit((a - mean) / scale, y)
    named = fitted.predict((b - mean) / scale)
    classes = np.union1d(known, truth)
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (np.searchsorted(classes, truth), np.searchsorted(classes, named)), 1)
    return LinearProbe(
        accuracy=float((named == truth).mean()),
        majority=float((truth == known[counts.argmax()]).mean()),
        confusion=torch.from_numpy(confusion),
        classes=tuple(int(c) for c in classes),
        n_train=len(a),
        n_test=len(b),
    )


def cluster(features: Tensor, labels: Tensor | None = None, *, k: int = 10, seed: int = 0) -> Clusters:
    """k-means on features, the best of four starts; with labels, how well clusters meet classes.

    Parameters
    ----------
    features : Tensor, shape (n, d)
    labels : Tensor of int64, shape (n,), optional
    k : int
        1 to n clusters.
    seed : int
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    points = _features("features", features, labels)
    k = whole("k", k, 1, len(points), also=", the number of points")
    fitted = KMeans(k, n_init=4, random_state=seed).fit(points)
    purity = rand = float("nan")
    if labels is not None:
        truth = np.unique(np.asarray(labels), return_inverse=True)[1]
        table = np.zeros((k, truth.max() + 1), np.int64)
        np.add.at(table, (fitted.labels_, truth), 1)
        purity = float(table.max(axis=1).sum() / len(points))
        rand = float(adjusted_rand_score(truth, fitted.labels_))
    assignment = torch.from_numpy(fitted.labels_.astype(np.int64))
    return Clusters(assignment, torch.from_numpy(fitted.cluster_centers_), purity, rand)


def retrieve(
    queries: Tensor,
    gallery: Tensor,
    *,
    k: int = 5,
    query_labels: Tensor | None = None,
    gallery_labels: Tensor | None = None,
    leave_out_self: bool = False,
) -> Neighbours:
    """Find the `k` gallery points nearest to each query.

    Parameters
    ----------
    queries, gallery : Tensor, shapes (n, d) and (m, d)
        Features, such as posterior means.
    k : int
        1 to m.
    query_labels, gallery_labels : Tensor of int64, shapes (n,) and (m,), optional
        For `precision`; both or none.
    leave_out_self : bool
        The gallery is the queries themselves: point i is no answer to query i.
    """
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise ShapeError(
            f"queries have shape {tuple(queries.shape)}, the gallery {tuple(gallery.shape)}; expected "
            "(n, d) and (m, d)."
        )
    most = len(gallery) - leave_out_self
    k = whole("k", k, 1, most, also=", the number of points")
    if leave_out_self and len(queries) != len(gallery):
        raise OptionError("leave_out_self wants the queries themselves as the gallery.")
    a, b = queries.detach().float().cpu(), gallery.detach().float().cpu()
    found, far = [], []
    for start in range(0, len(a), _QUERIES):
        distances = torch.cdist(a[start : start + _QUERIES], b)
        if leave_out_self:
            rows = torch.arange(len(distances))
            distances[rows, rows + start] = torch.inf
        nearest = distances.topk(k, dim=1, largest=False)
        found.append(nearest.indices)
        far.append(nearest.values)
    index = torch.cat(found)
    precision = chance = float("nan")
    if query_labels is not None and gallery_labels is not None:
        same = gallery_labels[index] == query_labels[:, None]
        precision = float(same.double().mean())
        classes = torch.cat([query_labels, gallery_labels]).unique()
        in_queries = (query_labels[:, None] == classes).double().mean(0)
        chance = float(in_queries @ (gallery_labels[:, None] == classes).double().mean(0))
    return Neighbours(index, torch.cat(far), precision, chance)


def _features(name: str, points: Tensor, labels: Tensor | None) -> np.ndarray:
    if points.ndim != 2 or 0 in points.shape:
        raise ShapeError(f"{name} has shape {tuple(points.shape)}; expected (n, d) with at least one point.")
    if labels is not None and len(labels) != len(points):
        raise ShapeError(f"{name} has {len(points)} points and {len(labels)} labels; expected as many.")
    values = points.detach().cpu().double().numpy()
    if not np.isfinite(values).all():
        raise DataError(f"{name} holds NaN or infinite values; the encoder has diverged.")
    return values
