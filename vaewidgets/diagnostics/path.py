"""The path between two latent points, decoded, and how it reads: a smooth morph, a jump or a detour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from vaewidgets.checks import one_of, tensor, whole, wholes
from vaewidgets.contract.texts import percent
from vaewidgets.errors import ShapeError
from vaewidgets.inference import Inference

Classify = Callable[[Tensor], Tensor]

# Constant speed covers half of the way in half of the time, a logistic step of slope s in 2.2 / s. Between
# random test digits a healthy VAE (z = 2, 16) stays above 0.36 on 98 % of paths, one that has memorised 500
# images in two dimensions goes down to 0.22.
JUMP_WIDTH = 0.25
FOREIGN_SHARE = 0.1  # of the points; fewer may be the classifier's doubt on a border
# Times the straight distance, where no classes are known: 98 % of the paths within one class stay below.
DETOUR_LENGTH = 2.0
SHELL_DIMS = 8  # from here on the prior's mass lies on a shell around radius sqrt(d), 10 % of it below 0.66
_EPS = 1e-12
_ROUNDING = 1e-5  # of an image, in its norm: float32, summed over a decoder and a path


def lerp(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    """`n` points on the straight line from `z0` to `z1`, both of shape (d,); shape (n, d)."""
    _check_ends(z0, z1, n)
    t = torch.linspace(0, 1, n, dtype=z0.dtype)[:, None]
    return (1 - t) * z0 + t * z1


def slerp(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    """`n` points on the arc from `z0` to `z1`, both of shape (d,); shape (n, d).

    The direction turns at constant speed about the origin while the norm goes linearly from one end's to the
    other's, so that a path between two points on the shell near radius sqrt(d), where the prior's mass lies,
    stays on it. Points on one line through the origin have no plane to turn in: there it is `lerp`.

    References
    ----------
    Shoemake 1985; for latent spaces White 2016, arXiv:1609.04468.
    """
    _check_ends(z0, z1, n)
    a, b = z0.double(), z1.double()  # acos near ±1 keeps but half of the digits
    r0, r1 = a.norm(), b.norm()
    u0, u1 = a / r0.clamp_min(_EPS), b / r1.clamp_min(_EPS)
    angle = torch.acos((u0 @ u1).clamp(-1, 1))
    if float(torch.sin(angle)) < 1e-4 or float(torch.minimum(r0, r1)) < _EPS:
        return lerp(z0, z1, n)
    t = torch.linspace(0, 1, n, dtype=torch.float64)[:, None]
    direction = (torch.sin((1 - t) * angle) * u0 + torch.sin(t * angle) * u1) / torch.sin(angle)
    return (direction * ((1 - t) * r0 + t * r1)).to(z0.dtype)


_PATHS = {"lerp": lerp, "slerp": slerp}


def interpolate(z0: Tensor, z1: Tensor, n: int = 10, kind: Literal["lerp", "slerp"] = "lerp") -> Tensor:
    """Points from `z0` to `z1`, linear or spherical; see `lerp` and `slerp`.

    Raises
    ------
    OptionError
        If `kind` is unknown, or `n` below 2.
    ShapeError
        If the ends are not two vectors of one length.
    """
    return _PATHS[one_of("kind", kind, _PATHS)](z0, z1, n)


def nearest_class(images: Tensor, labels: Tensor) -> Classify:
    """Make a classifier that gives an image the label of its nearest neighbour in pixel space.

    Parameters
    ----------
    images : Tensor, shape (m, C, H, W)
    labels : Tensor of int64, shape (m,)

    Returns
    -------
    callable
        From images, (n, C, H, W), to labels, (n,).
    """
    if len(images) != len(labels) or not len(images):
        raise ShapeError(f"got {len(images)} images and {len(labels)} labels; expected as many, at least 1.")
    flat = images.flatten(1)
    norms = flat.square().sum(1)

    def classify(x: Tensor) -> Tensor:
        # ‖a − b‖² less ‖a‖², which does not change the order
        return labels[(norms - 2 * x.flatten(1) @ flat.T).argmin(dim=1)]

    return classify


@dataclass(frozen=True, repr=False, eq=False)
class PathVerdict:
    """How a decoded path reads.

    Attributes
    ----------
    verdict : {"smooth", "jump", "detour"}
        "detour" if it passes through other classes than those of its ends (or, with no classes known, is far
        longer than the straight distance), "jump" if most of it stays the same and then changes at once.
    images : Tensor, float32, shape (n, C, H, W)
    step_sizes : Tensor, float64, shape (n - 1,)
        ‖x_i+1 − x_i‖ of neighbouring images, in pixel values.
    half_width : float
        Shortest part of the path, 0 to 1, in which half of all change happens; ½ at constant speed.
    stretch : float
        Length of the path in pixel space over the straight distance of its ends, at least 1.
    classes : tuple of int, or None
        Class of each image, as the classifier sees it.
    foreign_share : float
        Share of the images in neither end's class; NaN with no classes known.
    log_prior : Tensor, float64, shape (n,), or None
        ln N(z; 0, I), in nats.
    radius : Tensor, float64, shape (n,), or None
        ‖z‖ / sqrt(d): about 1 on the shell where the prior's mass lies.
    """

    verdict: Literal["smooth", "jump", "detour"]
    images: Tensor
    step_sizes: Tensor
    half_width: float
    stretch: float
    classes: tuple[int, ...] | None
    foreign_share: float
    log_prior: Tensor | None
    radius: Tensor | None
    latent_dim: int | None

    @property
    def passes_through(self) -> tuple[int, ...]:
        """Classes in the order met, repeats left out; empty with no classes known."""
        met = self.classes or ()
        return tuple(c for i, c in enumerate(met) if i == 0 or c != met[i - 1])

    @property
    def evidence(self) -> tuple[str, ...]:
        """What the verdict rests on, in sentences."""
        found = [
            f"half of the change happens within {percent(self.half_width)} of the path (50 % at "
            "constant speed, a "
            f"jump below {percent(JUMP_WIDTH)})",
            f"it is {self.stretch:.1f} times as long as the straight distance in pixel space",
        ]
        if self.classes is not None:
            route = " → ".join(map(str, self.passes_through))
            found.append(
                f"classes {route}; {percent(self.foreign_share)} of the images in neither end's class"
            )
        if self.radius is not None and self.latent_dim is not None:
            lowest = float(self.radius.min())
            text = f"‖z‖ dips to {lowest:.2f} √d"
            if (
                self.latent_dim >= SHELL_DIMS
                and lowest < 0.66
                and lowest < 0.8 * float(self.radius[[0, -1]].min())
            ):
                text += ": it crosses the empty middle of the prior; slerp stays on the shell"
            found.append(text)
        return tuple(found)

    def __repr__(self) -> str:
        lines = [f"PathVerdict({self.verdict}, {len(self.images)} images)"]
        return "\n".join([*lines, *(f"  {sentence}" for sentence in self.evidence)])


def judge_path(
    images: Tensor,
    *,
    z: Tensor | None = None,
    classes: Sequence[int] | Tensor | None = None,
    ends: tuple[int, int] | None = None,
) -> PathVerdict:
    """Judge a decoded path; better 20 images than 10, since a jump is seen no finer than one step.

    Parameters
    ----------
    images : Tensor, shape (n, C, H, W)
        Decoded at equal distances along the path, at least 3.
    z : Tensor, shape (n, d), optional
        The points, for their density under the prior.
    classes : sequence of int, shape (n,), optional
        Class of each image, by a classifier or by `nearest_class`.
    ends : (int, int), optional
        True classes of the two ends; by default those of the first and the last image.

    Raises
    ------
    ShapeError
        If the lengths differ, or there are fewer than 3 images.
    """
    n = len(tensor("images", images))
    if images.ndim != 4 or n < 3:
        raise ShapeError(f"the path has shape {tuple(images.shape)}; expected (n, C, H, W), n at least 3.")
    if z is not None:
        tensor("z", z)
    if classes is not None:
        classes = wholes("classes", classes)
    if ends is not None:
        wholes("ends", ends, count=2, also=", the classes of the two ends")
    for name, other in (("z", z), ("classes", classes)):
        if other is not None and len(other) != n:
            raise ShapeError(f"{name} has {len(other)} entries for {n} images; expected as many.")
    flat = images.detach().cpu().double().flatten(1)
    steps = (flat[1:] - flat[:-1]).norm(dim=1)
    chord = float((flat[-1] - flat[0]).norm())
    # Rows of one batch differ by rounding even where the points are the same: that is no way gone.
    rounding = _ROUNDING * max(1.0, float(flat.norm(dim=1).max()))
    stands = float(steps.sum()) <= rounding
    stretch = 1.0 if stands else float(steps.sum()) / chord if chord > rounding else np.inf
    half_width = 0.5 if stands else _half_width(steps.numpy())
    known = None if classes is None else tuple(int(c) for c in classes)
    foreign = float("nan")
    if known is not None:
        own = set(ends or (known[0], known[-1]))
        foreign = sum(c not in own for c in known) / n
    is_detour = foreign > FOREIGN_SHARE if known is not None else stretch > DETOUR_LENGTH
    points = None if z is None else z.detach().cpu().double()
    return PathVerdict(
        verdict="detour" if is_detour else "jump" if half_width < JUMP_WIDTH else "smooth",
        images=images.detach().float().cpu(),
        step_sizes=steps,
        half_width=half_width,
        stretch=stretch,
        classes=known,
        foreign_share=foreign,
        log_prior=None
        if points is None
        else -0.5 * (points.square().sum(1) + points.shape[1] * float(np.log(2 * np.pi))),
        radius=None if points is None else points.norm(dim=1) / points.shape[1] ** 0.5,
        latent_dim=None if points is None else points.shape[1],
    )


def path_between(
    model: Any,
    z0: Tensor,
    z1: Tensor,
    *,
    n: int = 33,
    kind: Literal["lerp", "slerp"] = "lerp",
    classify: Classify | None = None,
    ends: tuple[int, int] | None = None,
) -> PathVerdict:
    """Decode the path from `z0` to `z1`, both of shape (d,), and judge it; see `judge_path`."""
    z = interpolate(z0, z1, n, kind)
    images = Inference(model).decode(z)
    return judge_path(images, z=z, classes=None if classify is None else classify(images), ends=ends)


def _half_width(steps: np.ndarray) -> float:
    """Length of the shortest interval of [0, 1] in which half of the total change happens."""
    way = np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])
    way += np.linspace(0, 1e-12, len(way))  # strictly rising, for its inverse
    t = np.linspace(0, 1, len(way))
    # Way and time are piecewise linear, so the shortest interval begins or ends at a knot.
    start, end = way <= way[-1] - 0.5, way >= 0.5
    after = np.interp(way[start] + 0.5, way, t) - t[start]
    before = t[end] - np.interp(way[end] - 0.5, way, t)
    return float(min(after.min(), before.min()))


def _check_ends(z0: Tensor, z1: Tensor, n: int) -> None:
    if z0.ndim != 1 or z0.shape != z1.shape or not len(z0):
        raise ShapeError(
            f"the ends have shapes {tuple(z0.shape)} and {tuple(z1.shape)}; expected (d,) for both."
        )
    whole("n", n, 2)
