"""Does `diagnose` name planted cases rightly?

    python -m tests.experiments.confusion freeze      # digits, seeds 0 to 4: where the thresholds come from
    python -m tests.experiments.confusion judge       # MNIST, Fashion-MNIST, seeds 10 to 14: the table
    python -m tests.experiments.confusion outliers    # AUROC of one set against another

Both data sets are read from the folder that VAEWIDGETS_DATA names. The thresholds in
`vaewidgets.diagnostics.diagnose` were set by `freeze` before `judge` was run for the first time.

What came out is in docs/experiments.md. Not among the five, and often missed: one epoch of all 60,000 images.
"""

from __future__ import annotations

import argparse
import contextlib
import math
from collections import Counter
from dataclasses import dataclass, fields, replace

import torch

import vaewidgets as vw
from vaewidgets.diagnostics import VERDICTS, diagnose, run_stats, tell_apart, unfamiliarity
from vaewidgets.diagnostics.measurements import Measurements
from vaewidgets.errors import DivergedError

FROZEN_SEEDS, JUDGED_SEEDS = (0, 1, 2, 3, 4), (10, 11, 12, 13, 14)


@dataclass(frozen=True)
class Case:
    """A training whose verdict is known."""

    name: str
    verdict: str
    epochs: int
    beta: float = 1.0
    lr: float = 1e-3
    n_train: int | None = None
    latent_dim: int = 16
    hidden: tuple[int, ...] = (256,)
    likelihood: str = "bernoulli"
    batch_size: int = 64


LARGE = (1024, 512)
HEART = Case("beta 1e-3, 500 images", "memorising", 150, beta=1e-3, n_train=500, hidden=LARGE)
HEALTHY = Case("healthy", "healthy", 60)
COLLAPSED = Case("beta 50", "posterior collapse", 60, beta=50.0)
SHORT = Case("one epoch", "under-fitting", 1)
WILD = Case("lr 10", "diverged", 60, lr=10.0)

# on digits every case comes in several kinds, so that a threshold does not hang on one of them
DIGITS = (
    HEALTHY,
    replace(HEALTHY, name="healthy, z = 2", latent_dim=2),
    replace(HEALTHY, name="healthy, squared error", likelihood="squared_error"),
    replace(HEALTHY, name="healthy, deeper", hidden=(512, 256)),
    COLLAPSED,
    replace(COLLAPSED, name="beta 50, squared error", likelihood="squared_error", epochs=30),
    replace(COLLAPSED, name="beta 20, a few units outlive it", beta=20.0),
    HEART,
    replace(HEART, name="beta 1e-3, squared error", likelihood="squared_error"),
    replace(HEART, name="beta 1e-3, half as long", hidden=(512, 256), epochs=80),
    SHORT,
    replace(SHORT, name="one epoch, squared error", likelihood="squared_error"),
    replace(SHORT, name="two epochs", epochs=2),
    replace(SHORT, name="three epochs", epochs=3),
    WILD,
    replace(WILD, name="lr 10, squared error", likelihood="squared_error"),
)
# 20,000 images for 20 epochs; one epoch of them is 157 steps
JUDGED = (
    replace(HEALTHY, epochs=20, n_train=20_000, batch_size=128),
    replace(COLLAPSED, epochs=20, n_train=20_000, batch_size=128),
    HEART,
    replace(SHORT, n_train=20_000, batch_size=128),
    replace(WILD, n_train=20_000, batch_size=128),
)


EXTRA = (replace(SHORT, name="one epoch of all 60,000 images", batch_size=128),)


def train(case: Case, data, seed: int):
    data = data if case.n_train is None else data.subset(case.n_train, seed=seed)
    torch.manual_seed(seed)
    model = vw.MLPVAE(data.image_shape, case.latent_dim, hidden=case.hidden, likelihood=case.likelihood)
    run = vw.train(
        model,
        data,
        epochs=case.epochs,
        beta=case.beta,
        lr=case.lr,
        batch_size=case.batch_size,
        seed=seed,
        eval_every=max(1, case.epochs // 10),
        autosave=False,
    )
    with contextlib.suppress(DivergedError):
        run.wait(progress=False)
    return run


def judge(case: Case, data, seed: int):
    """Verdicts with the model measured, and by the curves alone."""
    with train(case, data, seed) as run:
        stats = run_stats(run.snapshot().model, run.data, run.likelihood)
        return (
            diagnose(run.history, stats, error=run.error),
            diagnose(run.history, error=run.error),
        )


NUMBERS = [
    f.name for f in fields(Measurements) if f.name not in ("diverged", "used", "latent_dim", "n_steps", "lr")
]


def show_range(name: str, measurements: list[Measurements]) -> None:
    print(f"  {name}")
    for key in NUMBERS:
        values = [v for v in (getattr(s, key) for s in measurements) if math.isfinite(v)]
        if values:
            print(f"    {key:16s} {min(values):10.4g} ... {max(values):10.4g}")
    print("    used            ", sorted({f"{s.used}/{s.latent_dim}" for s in measurements}), flush=True)


def show_confusion(title: str, counts: Counter) -> None:
    print(f"\n{title}\n{'planted':22s}" + "".join(f"{v[:12]:>14s}" for v in VERDICTS))
    for planted in VERDICTS:
        print(f"{planted:22s}" + "".join(f"{counts[planted, v]:14d}" for v in VERDICTS))
    right = sum(n for (planted, named), n in counts.items() if planted == named)
    print(f"{right} of {sum(counts.values())} right", flush=True)


def run_cases(name: str, cases, seeds) -> None:
    data = vw.load_dataset(name)
    measured, by_curves = Counter(), Counter()
    for case in cases:
        measurements: list[Measurements] = []
        for seed in seeds:
            full, curves = judge(case, data, seed)
            measured[case.verdict, full.verdict] += 1
            by_curves[case.verdict, curves.verdict] += 1
            measurements.append(full.measurements)
            if case.verdict != full.verdict:
                print(f"  WRONG: {name}, {case.name}, seed {seed}: {full!r}", flush=True)
        show_range(f"{name}: {case.name} ({case.verdict})", measurements)
    show_confusion(f"{name}, seeds {list(seeds)}, model measured", measured)
    show_confusion(f"{name}, seeds {list(seeds)}, curves alone", by_curves)


def show_critical_beta(name: str) -> None:
    """Above which beta linear theory lets no unit live: squared error + beta KL has sigma² = beta / 2."""
    x = vw.load_dataset(name).train.images(slice(None)).flatten(1).double()
    values = torch.linalg.eigvalsh(x.T.cov(correction=0))
    top = float(values[-1])
    print(f"{name}: largest eigenvalue {top:.2f}, so all units die above beta = {2 * top:.1f}")


def outliers(seeds) -> None:
    """Train on one set, score its test images against another's."""
    sets = {name: vw.load_dataset(name) for name in ("digits", "mnist", "fashion-mnist")}
    for inside, outside in (
        ("digits", "fashion-mnist"),
        ("mnist", "fashion-mnist"),
        ("fashion-mnist", "mnist"),
        ("mnist", "digits"),
    ):
        case = HEALTHY if inside == "digits" else JUDGED[0]
        for seed in seeds:
            with train(case, sets[inside], seed) as run:
                model = run.snapshot().model
                a, b = (
                    unfamiliarity(model, sets[name].test.images(slice(0, 2000)), run.likelihood)
                    for name in (inside, outside)
                )
                print(f"{inside} against {outside}, seed {seed}: {tell_apart(a, b)!r}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("freeze", "judge", "outliers"))
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--datasets", nargs="+", default=("mnist", "fashion-mnist"))
    parser.add_argument("--likelihood", default="bernoulli", help="of the judged cases")
    options = parser.parse_args()
    if options.what == "freeze":
        run_cases("digits", DIGITS, options.seeds or FROZEN_SEEDS)
    elif options.what == "judge":
        for name in options.datasets:
            cases = [replace(case, likelihood=options.likelihood) for case in (*JUDGED, *EXTRA)]
            if options.likelihood == "squared_error":
                show_critical_beta(name)
            run_cases(name, cases, options.seeds or JUDGED_SEEDS)
    else:
        outliers(options.seeds or JUDGED_SEEDS[:2])


if __name__ == "__main__":
    main()
