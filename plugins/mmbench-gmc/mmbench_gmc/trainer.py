"""The trainer of all models: seeded, resumable at any step, the same bits for the same seed.

What is random in a step is drawn from (seed, step), and the order of an epoch from (seed, epoch).
So an interrupted training needs weights, Adam's moments and the step to go on, bit for bit.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmbench.api import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from mmbench.api import Context
    from mmbench_gmc.examples import Examples
    from mmbench_gmc.network import Network
    from mmbench_gmc.schedule import Schedule

__all__ = ["Training", "seed_of"]

#: What the seeds of different draws begin with; 1 are the first weights.
_ORDER, _STEP, _VALID = 2, 3, 4
_TENTH = 0.1


def seed_of(*parts: int) -> int:
    """A seed for torch, of several numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))


class Training:
    """One training.

    Args:
        network: What is trained; it is moved to the context's device.
        train: The items, each with every stream.
        valid: What the validation loss is of; None: where one is needed, the mean loss of the
            epoch stands for it.
        schedule: How long and how fast.
        ctx: Seed and device, and whom to tell.
        key: Names network and data; a checkpoint of another training is passed over.
        where: Whose training it is, for messages.
        save_seconds: Time between checkpoints.
    """

    def __init__(
        self,
        network: Network,
        train: Examples,
        valid: Examples | None,
        schedule: Schedule,
        ctx: Context,
        *,
        key: str = "",
        where: str = "",
        save_seconds: float = 60.0,
    ) -> None:
        self.network = network.to(ctx.device)
        self.schedule = schedule
        self.ctx = ctx
        self.key = f"{key} {asdict(schedule)} {ctx.seed}"
        self.where = where
        self.save_seconds = save_seconds
        self.count = len(train)
        self.step = 0
        #: Mean loss terms of each finished epoch, by name; ``valid/...`` of the validation items.
        self.history: list[dict[str, float]] = []
        self._train, self._valid = _tensors(train), _tensors(valid)
        self.optimiser = torch.optim.Adam(network.parameters(), lr=schedule.learning_rate)
        self._plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimiser, factor=_TENTH, patience=schedule.plateau
        )
        self._generator = torch.Generator(ctx.device)
        self._terms: dict[str, list[float]] = {}
        self._best: tuple[float, int, dict[str, Tensor]] = (float("inf"), -1, {})

    @property
    def steps(self) -> int:
        """Steps in all, if none is spared."""
        return self.schedule.total(self.count)

    @property
    def batches(self) -> int:
        """Steps of an epoch."""
        return self.schedule.batches(self.count)

    def run(self) -> None:
        """Train to the end, from the checkpoint on if there is one."""
        self._resume()
        saved = time.monotonic()
        with torch.random.fork_rng(devices=self._devices()):
            while self.step < self.steps and not self._stopped():
                for rows in self._rest_of_epoch():
                    self._note(self.train_step(rows))
                    if self.step % self.batches == 0 or self.step == self.steps:
                        self._close_epoch()
                    if time.monotonic() - saved >= self.save_seconds:
                        self._save()
                        saved = time.monotonic()
        self._save()
        if self.schedule.keep == "best" or self.schedule.early_stop:
            self.network.load_state_dict(self._best[2])
        self.network.eval()

    def train_step(self, rows: NDArray[np.int64]) -> dict[str, Tensor]:
        """One step of Adam; gives the loss terms before it."""
        self.network.train()
        draws = seed_of(self.ctx.seed, _STEP, self.step)
        self._seed(draws)
        batch, target = self._gather(self._train, rows)
        terms: dict[str, Tensor] = self.network.losses(
            batch, target,
            generator=self._generator.manual_seed(draws), progress=self.step / self.steps,
        )  # fmt: skip
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(terms["loss"])
        if self.schedule.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.schedule.clip)
        self.optimiser.step()
        self.step += 1
        return terms

    def validate(self) -> dict[str, float]:
        """Mean loss terms of the validation items, in evaluation mode."""
        self.network.eval()
        count = len(next(iter(self._valid[0].values())))
        parts = np.array_split(np.arange(count), self.schedule.batches(count))
        seed = seed_of(self.ctx.seed, _VALID)
        draws = self._generator.manual_seed(seed)
        sums: dict[str, float] = {}
        with torch.random.fork_rng(devices=self._devices()), torch.no_grad():
            self._seed(seed)
            for rows in parts:
                batch, target = self._gather(self._valid, rows)
                terms = self.network.losses(batch, target, generator=draws, progress=1.0)
                for name, value in terms.items():
                    sums[name] = sums.get(name, 0.0) + float(value) * len(rows) / count
        return sums

    def _gather(
        self, tensors: tuple[dict[str, Tensor], Tensor | None], rows: NDArray[np.int64]
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """These rows, on the device."""
        at, device = torch.from_numpy(rows), self.ctx.device
        arrays, target = tensors
        batch = {slot: array.index_select(0, at).to(device) for slot, array in arrays.items()}
        return batch, None if target is None else target.index_select(0, at).to(device)

    def _rest_of_epoch(self) -> Iterator[NDArray[np.int64]]:
        """The batches of the epoch that the step is in, but for those done and those to spare."""
        epoch, done = divmod(self.step, self.batches)
        order = np.random.default_rng([self.ctx.seed, _ORDER, epoch]).permutation(self.count)
        left = self.steps - self.step
        yield from np.array_split(order, self.batches)[done : done + left]

    def _note(self, terms: dict[str, Tensor]) -> None:
        """Tell the loss terms, and keep them for the epoch's mean.

        Raises:
            DataError: The loss is no finite number.
        """
        said = []
        for name, value in terms.items():
            number = float(value.detach())
            self._terms.setdefault(name, []).append(number)
            said.append(f"{name} {number:.3f}")
        self._require_finite("loss", self._terms["loss"][-1])
        epoch = (self.step - 1) // self.batches + 1
        self.ctx.progress(self.step, self.steps, f"epoch {epoch}: {', '.join(said)}")

    def _close_epoch(self) -> None:
        """Sum up the epoch, and act on its validation loss."""
        summary = {name: float(np.mean(values)) for name, values in self._terms.items()}
        self._terms = {}
        watched = summary["loss"]
        if self._valid[0] and self.schedule.watches:
            found = self.validate()
            summary |= {f"valid/{name}": value for name, value in found.items()}
            watched = found["loss"]
            self._require_finite("validation loss", watched)
        self.history.append(summary)
        if watched < self._best[0]:
            kept = self.network.state_dict() if self.schedule.watches else {}
            copied = {name: tensor.detach().clone() for name, tensor in kept.items()}
            self._best = (watched, len(self.history), copied)
        if self.schedule.plateau:
            self._plateau.step(watched)
        self.ctx.log.info(
            "epoch %d: %s", len(self.history),
            ", ".join(f"{name} {value:.4f}" for name, value in summary.items()),
        )  # fmt: skip

    def _require_finite(self, what: str, loss: float) -> None:
        """See that a loss has not diverged."""
        if isfinite(loss):
            return
        rate = self.optimiser.param_groups[0]["lr"]
        raise DataError(
            f"training diverged: the {what} of step {self.step} of {self.steps} is {loss} "
            f"(learning_rate {rate:g}, clip {self.schedule.clip:g})",
            where=self.where,
            fix="lower learning_rate, or scale gradients down: clip = 1.0",
        )

    def _stopped(self) -> bool:
        """Whether the validation loss has not fallen for long enough."""
        patience = self.schedule.early_stop
        return bool(patience) and len(self.history) - max(self._best[1], 0) >= patience

    def _seed(self, seed: int) -> None:
        """Seed torch's own generators, from which dropout is drawn.

        ``torch.manual_seed`` formats a stack for CUDA each time, used or not: milliseconds.
        """
        torch.default_generator.manual_seed(seed)
        for device in self._devices():
            torch.cuda.default_generators[device].manual_seed(seed)

    def _devices(self) -> list[int]:
        """CUDA devices whose generators a step seeds."""
        device = torch.device(self.ctx.device)
        return [device.index or 0] if device.type == "cuda" else []

    @property
    def _path(self) -> Path | None:
        folder = self.ctx.checkpoint
        return None if folder is None else folder / "training.pt"

    def _save(self) -> None:
        """Write all that the next step needs, atomically."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".pt.new")
        held = {
            "key": self.key, "step": self.step, "history": self.history, "terms": self._terms,
            "best": self._best, "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(), "plateau": self._plateau.state_dict(),
        }  # fmt: skip
        torch.save(held, new)
        new.replace(self._path)

    def _resume(self) -> None:
        """Go on from the checkpoint of this very training, if there is one that can be read."""
        held = _read(self._path)
        if held is None:
            return
        if held.get("key") != self.key:
            self.ctx.log.info("%s is of another training: begins afresh", self._path)
            return
        self.network.load_state_dict(held["network"])
        self.optimiser.load_state_dict(held["optimiser"])
        self._plateau.load_state_dict(held["plateau"])
        self.step, self.history = held["step"], list(held["history"])
        self._terms = dict(held["terms"])
        loss, epoch, weights = held["best"]
        self._best = (loss, epoch, {n: t.to(self.ctx.device) for n, t in weights.items()})
        self.ctx.log.info("training goes on with step %d of %d", self.step, self.steps)


def _tensors(examples: Examples | None) -> tuple[dict[str, Tensor], Tensor | None]:
    """Arrays as tensors that share their memory."""
    if examples is None:
        return {}, None
    arrays = {slot: torch.from_numpy(array) for slot, array in examples.arrays.items()}
    target = examples.target
    return arrays, None if target is None else torch.from_numpy(np.ascontiguousarray(target))


def _read(path: Path | None) -> dict[str, Any] | None:
    """A checkpoint; None where there is none, or a broken one."""
    if path is None or not path.is_file():
        return None
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # noqa: BLE001 - whatever is wrong with it: the training begins afresh
        return None
    return held if isinstance(held, dict) else None
