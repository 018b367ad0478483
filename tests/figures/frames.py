"""Frames as the widgets build them, small and seeded."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaewidgets.contract.packing import pack, pack_quantised


def series(name: str, split: str, mean: np.ndarray, *, band: bool = False) -> dict[str, Any]:
    step = np.linspace(1, 1000, len(mean))
    return {
        "name": name,
        "split": split,
        "step": pack(step, "f32"),
        "mean": pack(mean, "f32"),
        "low": pack(mean * 0.9, "f32") if band else None,
        "high": pack(mean * 1.1, "f32") if band else None,
    }


def curves(*, beta: np.ndarray | None = None) -> dict[str, Any]:
    t = np.linspace(0, 1, 50)
    recon, kl = 200 * np.exp(-3 * t) + 90, 20 * t
    train = {"loss": recon + kl, "recon": recon, "kl": kl}
    found = [series(name, "train", mean, band=True) for name, mean in train.items()]
    found += [series(name, "test", mean[9::10] * 1.02) for name, mean in train.items()]
    return {"series": [*found, series("beta", "train", np.ones(50) if beta is None else beta)]}


def scatter(*, mode: str = "direct", n: int = 300, labelled: bool = True) -> dict[str, Any]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, n)
    points = random.normal(size=(n, 2)) * 0.3 + np.stack([np.cos(labels), np.sin(labels)], 1) * 1.5
    return {
        "step": 1000, "mode": mode, "axes": ["PCA 1", "PCA 2"] if mode == "pca" else ["z1", "z2"],
        "explained": [0.5, 0.25] if mode == "pca" else None, "points": pack_quantised(points),
        "labels": pack(labels, "i32") if labelled else None, "values": None, "projection": None,
        "prior": {"center": [0.5, -0.25], "radii": [1.0, 2.0]}, "n_test": n, "n_train": 0,
    }  # fmt: skip


def units(*, n: int = 1000) -> dict[str, Any]:
    kl = np.array([0.001, 2.5, 0.0, 1.2, 0.02])
    return {
        "step": 1000, "kl": pack(kl, "f32"), "var_mu": pack(np.array([0.02, 0.9, 0.0, 0.7, 0.005]), "f32"),
        "delta": 0.01, "var_threshold": 0.01, "n": n,
    }  # fmt: skip


def grid(*, channels: int = 1) -> dict[str, Any]:
    images = np.random.default_rng(1).integers(0, 256, (6, channels, 8, 7)).astype(np.uint8)
    return {
        "step": 1000, "indices": pack(np.arange(6)), "labels": None, "originals": pack(images),
        "rows": [{"name": "beta = 1", "images": pack(255 - images)}],
    }  # fmt: skip


def frame() -> dict[str, Any]:
    run = {
        "name": "MLPVAE 2", "dataset": "digits", "epoch": 12, "epochs": 30, "unit": "nats",
        "class_names": ["zero", "$1", "two", "3", "4", "5", "6", "7", "8", "9"],
    }  # fmt: skip
    return {"run": run, "curves": curves(), "scatter": scatter(), "units": units(), "grid": grid()}
