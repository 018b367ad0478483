"""How long the diagnostics of a 10,000-image test set take, and how much memory.

    python -m tests.benchmarks.bench_diagnostics

Distillation, which is a training, and the importance-weighted bound are left out. Wanted: under 5 s in all on
two cores. The imports of scikit-learn are counted on a line of their own.
"""

from __future__ import annotations

import resource
import time

import torch

import vaewidgets as vw
from vaewidgets import diagnostics as dg


def main() -> None:
    data, fashion = vw.load_dataset("mnist"), vw.load_dataset("fashion-mnist")
    torch.manual_seed(0)
    model = vw.MLPVAE(data.image_shape, latent_dim=32, hidden=(256,))
    run = vw.train(model, data, epochs=1, batch_size=256, eval_every=0, autosave=False)
    run.wait(progress=False)
    model = run.snapshot().model
    x, y = data.test.images(slice(None)), data.test.labels
    other = fashion.test.images(slice(None))
    mu, logvar = run.snapshot().encoded("test")
    train_mu, _ = run.snapshot().encoded("train", range(10_000))
    train_y = data.train.labels[:10_000]

    def imports() -> None:
        import sklearn.cluster
        import sklearn.linear_model
        import sklearn.metrics  # noqa: F401

    jobs = {
        "import scikit-learn": imports,
        "run_stats, both splits": lambda: dg.run_stats(model, data, n=10_000),
        "diagnose": lambda: dg.diagnose(run.history, dg.run_stats(model, data)),
        "active_units": lambda: dg.active_units(mu, logvar),
        "project": lambda: dg.project(mu),
        "ablation, 1,000 images, 32 units": run.ablation,
        "path, 33 points, 2,000 neighbours": lambda: run.path(0, 1),
        "linear_probe, 10,000 + 10,000": lambda: dg.linear_probe(train_mu, train_y, mu, y),
        "cluster, k = 10": lambda: dg.cluster(mu, y),
        "retrieve, 10,000 in 10,000": lambda: dg.retrieve(
            mu, train_mu, query_labels=y, gallery_labels=train_y
        ),
        "unfamiliarity of 20,000, AUROC": lambda: dg.tell_apart(
            dg.unfamiliarity(model, x), dg.unfamiliarity(model, other)
        ),
    }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total = 0.0
    print(f"{torch.get_num_threads()} threads")
    for name, job in jobs.items():
        start = time.perf_counter()
        result = job()
        seconds = time.perf_counter() - start
        total += seconds * (name != "import scikit-learn")
        print(f"{seconds:7.2f} s  {name}   {str(result).splitlines()[0][:90] if result else ''}")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{total:7.2f} s  in all; the process grew by {grown:.0f} MB at most")


if __name__ == "__main__":
    main()
