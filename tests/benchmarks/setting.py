"""What the benchmarks on MNIST have in common: the data's folder, and what machine it was."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

__all__ = ["headline", "machine", "parse", "ratio"]


def parse(parser: argparse.ArgumentParser, rounds: int, of_what: str) -> argparse.Namespace:
    """Add --rounds and --json, and parse; refuse to begin without MNIST."""
    parser.add_argument("--rounds", type=int, default=rounds, help=f"{of_what} (default {rounds})")
    parser.add_argument("--json", type=Path, help="also write the result there")
    arguments = parser.parse_args()
    if not os.environ.get("VAEWIDGETS_DATA"):
        parser.error("set VAEWIDGETS_DATA to the folder that holds MNIST/raw")
    return arguments


def machine(device: str = "cpu") -> dict[str, Any]:
    """Processor, accelerator if one is used, threads, torch and load, for the head of a table."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    is_cuda = device.startswith("cuda")
    return {
        "accelerator": torch.cuda.get_device_name(device) if is_cuda else None,
        "cpu": _processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load": load,
    }


def headline(about: dict[str, Any]) -> str:
    """What `machine` found, in a line."""
    load = "unknown" if about["load"] is None else f"{about['load']:.1f}"
    where = ", ".join(filter(None, (about["accelerator"], about["cpu"])))
    return f"{where}, {about['threads']} thread(s), torch {about['torch']}, load {load}"


def ratio(mine: Sequence[float], base: Sequence[float]) -> float:
    """Median over the rounds of one contender's time by another's in the same round."""
    return statistics.median(a / b for a, b in zip(mine, base, strict=True))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
