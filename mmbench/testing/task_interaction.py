"""Checks: a task's interaction is repeatable, seeded, resumable, and returns plain arrays."""

from __future__ import annotations

import contextlib
import io
import random
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import Context, PluginError, payload_digest
from mmbench.runner.interacting import live_streams, plain_arrays
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, described, fail
from mmbench.testing.evaluations import malformed, same

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import Payload
    from mmbench.testing.tasks import TaskSubject

#: Length of the vectors that the kit has for a loop.
_DIM = 8
_STATE = 20_260_101


class _Stopped(BaseException):
    """Stands for a kill in the midst of an interaction, which no task catches."""


@conformance("interaction", "tasks")
def interaction_returns_plain_arrays(subject: TaskSubject) -> None:
    """``interact`` returns finite arrays of numbers by name.

    They are stored without pickle, and scored from the store, perhaps years later. The kit
    interacts with the options in ``trial``, over its own, with vectors that it makes of payloads'
    bytes: name options there with which it takes a second.
    """
    _require(subject)
    try:
        made = _interact(subject)
        plain_arrays(made, "")
    except (Blocked, NotRelevant):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a task raises is what was seen
        seen = error.what if isinstance(error, PluginError) else f"it raised {described(error)}"
        fail(
            expected="interact() to return a mapping of names to arrays of finite numbers",
            seen=seen,
            change='return {"rewards": np.array(...)}; encode only subsets that requests() names',
        )
    subject.made = made


@conformance("interaction", "tasks")
def interaction_repeats(subject: TaskSubject) -> None:
    """With the same seed and the same vectors an interaction gives the same arrays.

    To the last bit, on the CPU. It is an artifact, named by what made it. Draw from generators that
    are made of ``seed``: the environment's, the networks' first weights, the replay's.
    """
    first = _first(subject)
    what = _difference(first, _again(subject))
    if what:
        fail(
            expected="the same arrays from the same seed",
            seen=f"another {what}",
            change="draw from np.random.default_rng(seed), and seed the environment too",
        )


@conformance("interaction", "tasks")
def interaction_follows_the_seed(subject: TaskSubject) -> None:
    """Another seed gives other arrays where ``info.seeded`` says so, and the same where not.

    A task that is not seeded interacts once, whatever the seeds of the suite, with seed 0.
    """
    first, seeded = _first(subject), subject.info.seeded
    changed = _difference(first, _again(subject, seed=1))
    if seeded and not changed and not _difference(first, _again(subject, seed=2)):
        fail(
            expected="an interaction that is seeded to depend on its seed",
            seen="the same arrays for the seeds 0, 1 and 2",
            change="draw from np.random.default_rng(seed), or say seeded=False",
        )
    if not seeded and changed:
        fail(
            expected="the same arrays whatever the seed, where info.seeded is False",
            seen=f"another {changed}",
            change="say seeded=True in its info",
        )


@conformance("interaction", "tasks")
def interaction_leaves_the_random_state(subject: TaskSubject) -> None:
    """An interaction leaves the global random state of Python, numpy and torch alone.

    Where it draws from it, another cell in the same worker changes its numbers. Hand generators to
    what draws; ``torch.random.fork_rng`` wraps what takes none.
    """
    _first(subject)
    kept = _random_states()
    try:
        random.seed(_STATE)
        np.random.seed(_STATE)  # noqa: NPY002 - the global state is what is looked at
        before = _random_states()
        _again(subject)
        after = _random_states()
    finally:
        random.setstate(kept["random"])
        np.random.set_state(kept["np.random"])  # noqa: NPY002 - the same
        if "torch" in kept:
            torch = sys.modules["torch"]
            torch.random.set_rng_state(torch.from_numpy(kept["torch"]))
    for whose, state in before.items():
        if not same(state, after[whose]):
            fail(
                expected=f"interact() to leave the state of {whose} as it is",
                seen="another state afterwards",
                change="draw from a generator of its own, made of seed",
            )


@conformance("interaction", "tasks")
def interaction_resumes(subject: TaskSubject) -> None:
    """Stopped and started again, an interaction ends where it would have ended.

    The kit stops it in the midst of its reports of progress, and calls it again with the same
    folder for checkpoints. What is kept there must be whole, and make no difference: keep the
    environment's and every generator's state too.
    """
    first = _first(subject)
    reports: list[int] = []
    with blocking("interact()", "interaction_returns_plain_arrays"):
        _interact(subject, progress=lambda *_said: reports.append(1))
    if len(reports) < 2:
        raise NotRelevant("it reports no progress, so that it can't be stopped in its midst")
    left = [len(reports) // 2]

    def stop(*_said: object) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise _Stopped

    folder = subject.workspace / "interaction"
    folder.mkdir(exist_ok=True)
    with contextlib.suppress(_Stopped):
        _interact(subject, progress=stop, folder=folder)
    try:
        made = _interact(subject, folder=folder)
        what = _difference(first, made)
        seen = f"another {what}" if what else ""
    except Exception as error:  # noqa: BLE001 - whatever a task raises is what was seen
        seen = f"it raised {described(error)}"
    if seen:
        fail(
            expected="the same arrays from an interaction that was stopped and started again",
            seen=seen,
            change="keep all states in ctx.checkpoint, written aside and renamed; or keep nothing",
        )


@conformance("interaction", "tasks")
def interaction_prints_nothing(subject: TaskSubject) -> None:
    """An interaction prints nothing.

    Only the command line writes on the screen. Report with ``ctx.progress``, log with ``ctx.log``.
    """
    _first(subject)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        _again(subject)
    if said.getvalue().strip():
        fail(
            expected="interact() to print nothing",
            seen=repr(said.getvalue().strip()[:80]),
            change="call ctx.progress(done, total, what), or ctx.log.info(...)",
        )


@conformance("interaction", "tasks")
def interactions_are_scored(subject: TaskSubject) -> None:
    """``score`` takes what ``interact`` returns.

    As it comes from the store: plain arrays by the names that ``interact`` gave them.
    """
    made = plain_arrays(_first(subject), "")
    try:
        found = subject.run(_trial(subject), subject.inputs(made))
        seen = malformed(found)
    except Exception as error:  # noqa: BLE001 - whatever a task raises is what was seen
        seen = f"it raised {described(error)}"
    if seen:
        fail(
            expected="score() to return an Evaluation of what interact() returned",
            seen=seen,
            change="read inputs.arrays by the names that interact() gives",
        )


@conformance("interaction", "tasks")
def reference_arrays_are_like_an_interaction(subject: TaskSubject) -> None:
    """``reference_arrays`` has the names and the axes of what ``interact`` returns.

    Else the checks of scoring are made of something that no run gives.
    """
    made = plain_arrays(_first(subject), "")
    with blocking("reference_arrays('random')", "reference_arrays_fit"):
        arrays = _trial(subject).reference_arrays(
            "random", subject.inputs({}), np.random.default_rng(0)
        )
    if subject.misfit(arrays):
        raise Blocked("they are no plain arrays: see reference_arrays_fit")
    ours, theirs = ({k: np.ndim(v) for k, v in each.items()} for each in (made, arrays))
    if ours != theirs:
        fail(
            expected=f"reference_arrays() to give what interact() does, names to axes: {ours}",
            seen=f"{theirs}",
            change="give an array of every name, with as many axes",
        )


def _require(subject: TaskSubject) -> None:
    if not subject.interacts:
        raise NotRelevant("it does not interact")


def _trial(subject: TaskSubject) -> Any:
    """A new instance with the options in ``trial``."""
    with blocking("building it with its trial options", "interaction_returns_plain_arrays"):
        return subject.new(**subject.cls.trial)


def _first(subject: TaskSubject) -> Mapping[str, Any]:
    """What it makes with seed 0; made once.

    Raises:
        NotRelevant: It does not interact.
        Blocked: It raises, or returns something else than arrays.
    """
    _require(subject)
    if subject.made is None:
        made = _again(subject)
        with blocking("interact()", "interaction_returns_plain_arrays"):
            plain_arrays(made, "")
        subject.made = made
    return subject.made


def _again(subject: TaskSubject, *, seed: int = 0) -> Mapping[str, Any]:
    """What another instance makes.

    Raises:
        Blocked: It raises.
    """
    with blocking("interact()", "interaction_returns_plain_arrays"):
        return _interact(subject, seed=seed)


def _interact(
    subject: TaskSubject,
    *,
    seed: int = 0,
    folder: Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Mapping[str, Any]:
    """Interact, with few options changed; exceptions pass."""
    context = Context(seed=seed, checkpoint=folder)
    if progress is not None:
        context = Context(seed=seed, checkpoint=folder, progress=progress)
    task = _trial(subject)
    known = {frozenset(request.streams): None for request in subject.requests}
    made: Mapping[str, Any] = task.interact(
        lambda payloads: _vectors(payloads, known), subject.tables, seed=seed, ctx=context
    )
    return made


def _vectors(
    payloads: Mapping[str, Sequence[Payload]], known: Mapping[frozenset[str], None]
) -> NDArray[np.float32]:
    """Vectors that payloads' bytes make, [B, 8]: the mean over the streams."""
    streams = sorted(live_streams(payloads, known, "the task"))
    made = [[_vector(payload) for payload in payloads[stream]] for stream in streams]
    return np.asarray(np.mean(made, axis=0), dtype=np.float32)


def _vector(payload: Payload) -> NDArray[np.float32]:
    drawn = np.frombuffer(payload_digest(payload)[:_DIM], dtype=np.uint8)
    vector: NDArray[np.float32] = (drawn.astype(np.float32) - 127.5) / 128
    return vector


def _difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """What differs between what two interactions gave; empty = nothing, to the last bit."""
    ours, theirs = (
        {name: np.asarray(values) for name, values in each.items()} for each in (first, second)
    )
    if set(ours) != set(theirs):
        return "set of names"
    return next((repr(name) for name in ours if not same(ours[name], theirs[name])), "")


def _random_states() -> dict[str, Any]:
    """The global states, by the module whose they are; torch's where it is loaded."""
    states = {"random": random.getstate(), "np.random": np.random.get_state()}  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is not None:
        states["torch"] = torch.random.get_rng_state().numpy()
    return states
