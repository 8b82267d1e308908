"""Time a step of GMC's training on MHD's shapes beside a loop by hand; print one run's ratios.

Run with: python benchmarks/perf/gmc_training.py [--steps 40] [--batch 64]

Steps of both take turns, on one thread and from the same weights, and the ratio is the median over
the pairs: what else the machine does meets both. Two loops are written by hand: one of the very
same network, which shows what the trainer costs, and one of the network as it is usually written
(two-dimensional convolutions over the spectrogram, the loss by exponentials). Needs mmbench-gmc.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

from mmbench.api import Context
from mmbench_gmc.examples import Examples
from mmbench_gmc.gmc import GMC
from mmbench_gmc.inputs import Input
from mmbench_gmc.schedule import Schedule
from mmbench_gmc.trainer import Training

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 1.05
ITEMS = 2048
TAU = 0.1
SHAPES = {"image": (1, 28, 28), "sound": (1, 32, 128), "trajectory": (200,), "label": (10,)}


def picture() -> nn.Sequential:
    """MHD's trunk of pictures."""
    return nn.Sequential(
        nn.Conv2d(1, 64, 4, 2, 1, bias=False), nn.SiLU(),
        nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.SiLU(), nn.Flatten(),
    )  # fmt: skip


def sound() -> nn.Sequential:
    """MHD's trunk of sounds, in two dimensions."""
    return nn.Sequential(
        nn.Conv2d(1, 128, (1, 128), bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        nn.Conv2d(128, 128, (4, 1), (2, 1), (1, 0), bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        nn.Conv2d(128, 256, (4, 1), (2, 1), (1, 0), bias=False), nn.BatchNorm2d(256), nn.ReLU(),
        nn.Flatten(),
    )  # fmt: skip


def trajectory() -> nn.Sequential:
    """MHD's trunk of trajectories."""
    return nn.Sequential(nn.Linear(200, 512), nn.SiLU(), nn.Linear(512, 512), nn.SiLU())


class Written(nn.Module):
    """GMC on MHD as it is usually written."""

    def __init__(self) -> None:
        super().__init__()
        makers = (picture, sound, trajectory, nn.Identity)
        widths = (6272, 2048, 512, 10)
        self.trunks = nn.ModuleList(make() for make in makers)
        self.projectors = nn.ModuleList(nn.Linear(width, 64) for width in widths)
        self.joint = nn.ModuleList(make() for make in makers)
        self.projector = nn.Linear(sum(widths), 64)
        self.head = nn.Sequential(
            nn.Linear(64, 512), nn.SiLU(), nn.Linear(512, 512), nn.SiLU(), nn.Linear(512, 64)
        )

    def forward(self, values: list[torch.Tensor]) -> torch.Tensor:
        """The loss."""
        parts = torch.cat([trunk(x) for trunk, x in zip(self.joint, values, strict=True)], dim=1)
        joint = normalize(self.head(self.projector(parts)), dim=1)
        count, total = len(joint), torch.zeros(())
        others = ~torch.eye(2 * count, dtype=torch.bool)
        for trunk, projector, x in zip(self.trunks, self.projectors, values, strict=True):
            single = normalize(self.head(projector(trunk(x))), dim=1)
            rows = torch.cat([joint, single])
            scores = torch.exp(rows @ rows.T / TAU)
            rest = scores.masked_select(others).view(2 * count, -1).sum(dim=1)
            positive = torch.exp((joint * single).sum(dim=1) / TAU)
            total = total - torch.log(torch.cat([positive, positive]) / rest).mean()
        return total


class Loop:
    """A training loop in a few lines."""

    def __init__(
        self, network: nn.Module, loss: Callable[[list[torch.Tensor]], torch.Tensor],
        arrays: dict[str, np.ndarray],
    ) -> None:  # fmt: skip
        self.network, self.loss = network.train(), loss
        self.tensors = [torch.from_numpy(array) for array in arrays.values()]
        self.optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step(self, rows: np.ndarray) -> float:
        """One step; gives the loss, which one prints."""
        at = torch.from_numpy(rows)
        self.optimiser.zero_grad()
        loss = self.loss([tensor[at] for tensor in self.tensors])
        loss.backward()
        self.optimiser.step()
        return loss.item()


def ours(arrays: dict[str, np.ndarray], batch: int) -> Training:
    """The training that ``gmc`` does on these items."""
    inputs = [Input(slot, "Array", shape, slot) for slot, shape in SHAPES.items()]
    torch.manual_seed(0)
    network = GMC().build(inputs, None)
    schedule = Schedule(epochs=1000, batch=batch)
    return Training(network, Examples(arrays), None, schedule, Context(), key="perf")


def paired(
    first: Callable[[np.ndarray], object], second: Callable[[np.ndarray], object], steps: int,
    batch: int,
) -> tuple[float, list[float]]:  # fmt: skip
    """The median ratio of their times, and the medians themselves; a fifth is for warming up."""
    rng = np.random.default_rng(0)
    took: list[list[float]] = [[], []]
    for number in range(steps + steps // 5):
        rows = rng.choice(ITEMS, batch, replace=False)
        turns = [(0, first), (1, second)]
        for which, step in turns if number % 2 else reversed(turns):
            start = time.process_time()
            step(rows)
            took[which].append(time.process_time() - start)
    kept = np.array(took)[:, steps // 5 :]
    return float(np.median(kept[0] / kept[1])), [float(x) for x in np.median(kept, axis=1)]


def main() -> None:
    """Print processor seconds of a step, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--batch", type=int, default=64)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    arrays = {s: rng.random((ITEMS, *shape), dtype=np.float32) for s, shape in SHAPES.items()}
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, one thread")

    training = ours(arrays, asked.batch)

    def our_step(rows: np.ndarray) -> None:
        training._note(training.train_step(rows))  # noqa: SLF001 - what a step costs, told too

    network = ours(arrays, asked.batch).network

    def same_loss(values: list[torch.Tensor]) -> torch.Tensor:
        batch = dict(zip(SHAPES, values, strict=True))
        generator = torch.default_generator
        return network.losses(batch, None, generator=generator, progress=0.0)["loss"]

    torch.manual_seed(0)
    written = Written()
    for name, loop in (
        ("the same network in a loop by hand", Loop(network, same_loss, arrays)),
        ("the network as it is usually written", Loop(written, written, arrays)),
    ):
        ratio, seconds = paired(our_step, loop.step, asked.steps, asked.batch)
        said = "within" if ratio <= MOST else "OVER"
        print(
            f"{name}: ours {1e3 * seconds[0]:.1f} ms, theirs {1e3 * seconds[1]:.1f} ms, "
            f"ratio {ratio:.3f} ({said} {MOST})"
        )


if __name__ == "__main__":
    main()
