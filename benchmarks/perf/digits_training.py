"""Time a training step of each model of `paired-digits.toml` on MHD's shapes; print medians.

Run with: python benchmarks/perf/digits_training.py [--steps 30] [--out training.csv]

Steps of all models take turns, on one thread, and processor time counts: what else the machine does
meets all alike. The numbers are made up, as large as MHD's. Needs mmbench-gmc.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import time
import tomllib
from pathlib import Path

import numpy as np
import torch

from mmbench.api import Context, Representation
from mmbench.registry import load_registry
from mmbench_gmc.examples import Examples
from mmbench_gmc.inputs import Input
from mmbench_gmc.schedule import Schedule
from mmbench_gmc.trainer import Training

SUITE = Path(__file__).resolve().parents[1] / "paired-digits.toml"
ITEMS, BATCH = 512, 64
SHAPES = {"image": (1, 28, 28), "sound": (1, 32, 128), "trajectory": (200,), "label": (10,)}
MODALITIES = {"sound": "audio"}


def trainings() -> dict[str, Training]:
    """What the suite trains, by its label, on numbers of 0 to 1."""
    rng = np.random.default_rng(0)
    arrays = {s: rng.random((ITEMS, *shape), dtype=np.float32) for s, shape in SHAPES.items()}
    arrays["label"] = np.eye(10, dtype=np.float32)[rng.integers(0, 10, ITEMS)]
    inputs = [
        Input(slot, "Array", shape, MODALITIES.get(slot, slot)) for slot, shape in SHAPES.items()
    ]
    registry = load_registry()
    found = {}
    for entry in tomllib.loads(SUITE.read_text("utf-8"))["representation"]:
        if entry["name"] == "random":
            continue
        options = entry.get("options", {})
        model = registry.configure("representations", entry["name"], options, Representation).object
        torch.manual_seed(0)
        found[entry.get("label", entry["name"])] = Training(
            model.build(inputs, None), Examples(arrays), None, Schedule(epochs=1000, batch=BATCH),
            Context(), key="perf",
        )  # fmt: skip
    return found


def main() -> None:
    """Print processor seconds of a step, and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    models = trainings()
    took: dict[str, list[float]] = {name: [] for name in models}
    rng = np.random.default_rng(1)
    for _ in range(3 + asked.steps):
        rows = rng.choice(ITEMS, BATCH, replace=False)
        for name, training in models.items():
            start = time.process_time()
            training.train_step(rows)
            took[name].append(time.process_time() - start)
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, one thread")
    medians = {name: 1000 * float(np.median(each[3:])) for name, each in took.items()}
    for name, milliseconds in medians.items():
        print(f"{name}: {milliseconds:.0f} ms a step, {milliseconds / medians['gmc']:.2f} of gmc's")
    if asked.out is not None:
        with asked.out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["representation", "milliseconds a step"])
            writer.writerows([name, f"{each:.1f}"] for name, each in medians.items())


if __name__ == "__main__":
    main()
