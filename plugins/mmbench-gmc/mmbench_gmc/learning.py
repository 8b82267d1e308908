"""From training items to a trained network, and from a state back to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from mmbench.api import UsageError
from mmbench_gmc.examples import (
    Examples,
    Scaling,
    complete_rows,
    read_examples,
    read_inputs,
    scaling_of,
)
from mmbench_gmc.inputs import Input, slot_of, to_arrays
from mmbench_gmc.plans import published
from mmbench_gmc.targets import Target, read_target
from mmbench_gmc.threads import own_threads, thread_count
from mmbench_gmc.trainer import Training, seed_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench.api import BoundCollection, Context, FitData, Payload, State, Stream
    from mmbench_gmc.network import Network
    from mmbench_gmc.plans import Family
    from mmbench_gmc.schedule import Schedule

__all__ = ["Learner", "Learnt", "build", "learn", "restored"]

_WEIGHTS = 1


class Learner(Protocol):
    """What is asked of a model that learns; attributes as of the representations."""

    @property
    def name(self) -> str:
        """In messages."""
        ...

    @property
    def streams(self) -> tuple[Stream, ...]:
        """What it takes."""
        ...

    @property
    def encoders(self) -> Family:
        """Which trunks it has."""
        ...

    @property
    def schedule(self) -> Schedule:
        """How it is trained."""
        ...

    @property
    def supervision(self) -> str:
        """Whether it learns a target."""
        ...

    def build(self, inputs: Sequence[Input], target: Target | None) -> Network:
        """The untrained network."""
        ...


@dataclass(frozen=True)
class Learnt:
    """What a training gives.

    Attributes:
        network: Trained, in evaluation mode.
        inputs: The streams that it takes.
        target: What it predicts, too; None: it was unsupervised.
        scalings: Slot to the scale of its training items, where it takes scaled ones.
        told: Of the training, for the state's metadata.
    """

    network: Network
    inputs: tuple[Input, ...]
    target: Target | None
    scalings: Mapping[str, Scaling]
    told: Mapping[str, Any] = field(default_factory=dict)

    def array(self, form: Input, payloads: Sequence[Payload]) -> NDArray[np.float32]:
        """Payloads of a stream as the network takes them."""
        array = to_arrays(form, payloads)
        scaling = self.scalings.get(form.slot)
        return array if scaling is None else scaling.apply(array)


def build(model: Learner, inputs: tuple[Input, ...], target: Target | None, seed: int) -> Network:
    """An untrained network whose weights follow the seed; torch's own generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, _WEIGHTS))
        return model.build(inputs, target)


def learn(model: Learner, data: FitData, ctx: Context) -> Learnt:
    """A finished training; one that was interrupted in ``ctx.checkpoint`` is gone on with."""
    streams = model.streams
    rows = complete_rows(data.train, where=model.name)
    inputs = read_inputs([slot_of(each) for each in streams], streams, data.train, rows[0])
    target = _target(model, data, rows)
    train = read_examples(data.train, rows, inputs, target, ctx)
    valid = _validation(data, inputs, target, ctx)
    scalings = {
        form.slot: scaling_of(form, train.arrays[form.slot])
        for form in inputs
        if form.kind in ("Array", "Sequence") and not (model.encoders == "auto" and published(form))
    }
    for part in (train, valid):
        _scale(part, scalings)
    with own_threads(ctx.device):
        network = build(model, inputs, target, ctx.seed)
        described = [repr(network), [form.as_json() for form in inputs], _data_key(data, ctx)]
        training = Training(
            network, train, valid, model.schedule, ctx, key=_digest(described), where=model.name
        )
        training.run()
    told = {
        "steps": training.step,
        "history": training.history,
        "parameters": sum(each.numel() for each in network.parameters()),
        "threads": thread_count() if torch.device(ctx.device).type == "cpu" else 0,
    }
    return Learnt(network, inputs, target, scalings, told)


def restored(model: Learner, state: State, device: str) -> Learnt:
    """What a state describes."""
    meta = dict(state.meta)
    inputs = tuple(Input.from_json(each) for each in meta.pop("inputs"))
    described = meta.pop("target")
    target = None if described is None else Target.from_json(described)
    scalings = {
        slot: Scaling(*(np.array(state.arrays[f"{name}/{slot}"]) for name in ("mean", "deviation")))
        for slot in meta.pop("scaled")
    }
    network = build(model, inputs, target, 0)
    begin = "network/"
    network.load_state_dict(
        {
            name.removeprefix(begin): torch.from_numpy(np.array(array))
            for name, array in state.arrays.items()
            if name.startswith(begin)
        }
    )
    return Learnt(network.eval().to(device), inputs, target, scalings, meta)


def _target(model: Learner, data: FitData, rows: Sequence[int]) -> Target | None:
    """What is to be learnt besides the streams."""
    spec = data.spec
    if spec.target is None or model.supervision == "never":
        if model.supervision == "always":
            raise UsageError(
                "learns nothing without a target, and the task names none", where=model.name,
                fix="name one in the suite: fit_on = { ..., target = ..., target_kind = ... }",
            )  # fmt: skip
        return None
    column = data.train.column(spec.target)
    kind = spec.target_kind or "class"
    return read_target(spec.target, kind, [column[row] for row in rows])


def _validation(
    data: FitData, inputs: tuple[Input, ...], target: Target | None, ctx: Context
) -> Examples | None:
    """The validation items with every stream; None where there are fewer than two."""
    if data.valid is None:
        return None
    has = data.valid.collection.streams
    if any(data.valid.binding.get(form.slot) not in has for form in inputs):
        ctx.log.info("%s lacks a stream: nothing validates", data.valid.collection.name)
        return None
    rows = data.valid.complete_rows()
    return read_examples(data.valid, rows, inputs, target, ctx) if len(rows) > 1 else None


def _scale(examples: Examples | None, scalings: Mapping[str, Scaling]) -> None:
    """Bring the arrays to their scale, in place: they may be large."""
    for slot, scaling in scalings.items() if examples is not None else ():
        assert examples is not None
        array = examples.arrays[slot]
        for start in range(0, len(array), 4096):
            array[start : start + 4096] = scaling.apply(array[start : start + 4096])


def _data_key(data: FitData, ctx: Context) -> list[Any]:
    """Names what is learnt from; only a checkpoint needs it."""
    if ctx.checkpoint is None:
        return []
    parts: list[BoundCollection] = [data.train, *([data.valid] if data.valid else [])]
    bound = [[sorted(part.binding.items()), part.collection.fingerprint()] for part in parts]
    return [*bound, data.spec.target, data.spec.target_kind]


def _digest(described: Any) -> str:
    return blake2b(json.dumps(described).encode(), digest_size=16).hexdigest()
