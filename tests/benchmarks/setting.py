"""What the benchmarks on MNIST have in common: the data's folder, and what machine it was."""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path
from typing import Any

import torch

__all__ = ["machine", "parse"]


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
        "accelerator": f"{torch.cuda.get_device_name(device)}, " if is_cuda else None,
        "cpu": _processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load": load,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
