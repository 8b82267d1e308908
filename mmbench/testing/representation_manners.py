"""Checks: a representation leaves alone what is not its own: inputs, results, process, machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import payload_digest
from mmbench.api.representation import METHODS
from mmbench.runner.encoding import to_numpy
from mmbench.testing.checks import Blocked, blocking, conformance, fail
from mmbench.testing.child import label_of
from mmbench.testing.representations import COUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Offer, Payload
    from mmbench.testing.processes import ProcessReport
    from mmbench.testing.representations import RepresentationSubject

#: How the names of random states end, in a report's list of changes.
_RANDOM = ("of random", "of numpy.random", "of torch")


@conformance("manners", "representations")
def inputs_are_left_alone(subject: RepresentationSubject) -> None:
    """A batch is the same after it was encoded: payloads, lists and slots.

    The same payload may be handed to the next representation, and its digest is its name in the
    store. Write ``pixels = pixels / 255``, not ``pixels /= 255``; copy a list before you pad it.
    """
    for offer in subject.main_offers:
        batch = subject.batch(offer, range(2))
        before = _contents(batch)
        _called(subject, offer, batch)
        for slot, digests in before.items():
            if slot not in batch or _contents(batch)[slot] != digests:
                fail(
                    expected=f"a batch to be the same before and after {label_of(offer)}",
                    seen=f"the payloads of slot {slot!r} are others"
                    if slot in batch
                    else f"slot {slot!r} is gone from the batch",
                    change="work on a copy: pixels = pixels / 255 instead of pixels /= 255, "
                    "batch[slot] instead of batch.pop(slot)",
                )


@conformance("manners", "representations")
def results_are_left_alone(subject: RepresentationSubject) -> None:
    """What was returned does not change when the next batch is encoded.

    Vectors are gathered before they are stored: a buffer that is filled anew for each batch
    would store the last batch many times. Allocate the result in the method, or return a copy.
    """
    for offer in subject.main_offers:
        raw = _called(subject, offer, subject.batch(offer, range(2)))
        before = _as_array(raw)
        _called(subject, offer, subject.batch(offer, (COUNT, COUNT + 1)))
        after = _as_array(raw)
        if not np.array_equal(before, after, equal_nan=True):
            fail(
                expected=f"what {label_of(offer)} returned to stay as it is",
                seen="the next call wrote over it",
                change="allocate a new array in each call, or return a copy of the buffer",
            )


@conformance("manners", "representations")
def random_state_is_left_alone(subject: RepresentationSubject) -> None:
    """Loading and encoding neither seed the global random generators nor draw from them.

    Everybody in the process shares them: ``numpy.random.seed(0)`` makes another plugin's noise
    repeat itself. Draw from a generator of your own: ``numpy.random.default_rng(ctx.seed)``,
    ``torch.Generator().manual_seed(ctx.seed)``; where a library insists on torch's global one,
    wrap it in ``torch.random.fork_rng()``.
    """
    changed = [name for name in _done(subject).changed if name.endswith(_RANDOM)]
    if changed:
        fail(
            expected="the global random generators to be as they were after load and encode",
            seen=f"{', '.join(changed)} is another",
            change="use numpy.random.default_rng(ctx.seed) or a torch.Generator of your own; "
            "wrap what can't be changed in torch.random.fork_rng()",
        )


@conformance("manners", "representations")
def surroundings_are_left_alone(subject: RepresentationSubject) -> None:
    """Loading and encoding leave the process as it was: environment, folder, path, switches.

    A worker goes on to other cells in the same process. Variables of the environment, the working
    folder, ``sys.path``, ``sys.argv``, warning filters, the root logger's handlers, handlers of
    signals, the garbage collector, the recursion limit, the file mask, the default timeout of
    sockets, numpy's error state, torch's default dtype and gradient mode are looked at. Put
    back what you must change: ``with torch.no_grad():``, ``with numpy.errstate(...):``, ``with
    warnings.catch_warnings():``. What an import changes the first time is not counted.
    """
    changed = [name for name in _done(subject).changed if not name.endswith(_RANDOM)]
    if changed:
        fail(
            expected="load and encode to leave the process as it was",
            seen=f"changed: {', '.join(changed)}",
            change="don't change it, or put it back in a with block or a finally clause",
        )


@conformance("manners", "representations")
def network_is_left_alone(subject: RepresentationSubject) -> None:
    """Importing, loading and encoding ask nothing of the network.

    Clusters have none, and what is fetched today is another thing tomorrow. Nothing is downloaded
    unless the user asked for it, and a library that only asks whether its cached file is the
    newest counts as well: give it the file (``local_files_only=True``), or a path.
    """
    asked = subject.process.network
    if asked:
        fail(
            expected="to load and encode without a network",
            seen=f"it asked for {asked[0]}{_more(asked)}",
            change="load from files: local_files_only=True, a path; raise DataMissing, which says "
            "where to get them, if they are not there",
        )


@conformance("manners", "representations")
def files_are_left_alone(subject: RepresentationSubject) -> None:
    """Importing, loading and encoding write nothing outside the folders meant for it.

    Those are ``ctx.checkpoint``, the folder of temporary files and the user's caches
    (``~/.cache``). Code and data folders are often read-only, and the working folder is the
    user's. What compiled code writes, or a process that it started, is looked for in the working
    folder and the home folder that the check gives it; elsewhere it can't be seen.
    """
    written = subject.process.written
    if written:
        fail(
            expected="to write only below ctx.checkpoint, tempfile.gettempdir() and ~/.cache",
            seen=f"it wrote {written[0]}{_more(written)}",
            change="write into tempfile.TemporaryDirectory(), or not at all",
        )


@conformance("manners", "representations")
def it_prints_nothing(subject: RepresentationSubject) -> None:
    """Importing, loading and encoding print nothing: no words, no progress bars.

    The screen is the command line's, and its output may be JSON in a pipe. Log with ``ctx.log``,
    report progress with ``ctx.progress(done, total, what)``, and switch a library's bars off.
    Warnings and log messages are fine.
    """
    printed = _done(subject).printed
    if printed:
        fail(
            expected="nothing on standard output and standard error",
            seen=f"{printed.splitlines()[0][:100]!r}",
            change="log it with ctx.log.info(...), or switch the library's output off "
            "(verbose=False, disable=True)",
        )


@conformance("manners", "representations")
def nothing_is_left_running(subject: RepresentationSubject) -> None:
    """When all is done the process ends, and no process that it started lives on.

    A thread that waits for work keeps a worker, and with it the whole run, from ending. Make it a
    daemon thread, or end it when the method returns; wait for the processes that you start.
    """
    left = _done(subject).left
    if left:
        fail(
            expected="a process that loaded and encoded to end",
            seen=f"{left} was still running seconds later",
            change="threading.Thread(..., daemon=True); wait for, or kill, each process you start",
        )


def _done(subject: RepresentationSubject) -> ProcessReport:
    """The report of a process that did all it was told."""
    report = subject.process
    if report.error:
        raise Blocked(f"a new process ended early: {report.error}: see processes_agree")
    return report


def _called(subject: RepresentationSubject, offer: Offer, batch: dict[str, list[Payload]]) -> Any:
    """What the offer's method returns for this very batch."""
    with blocking(f"{METHODS[offer.kind]}()", "every_offer_runs"):
        return getattr(subject.shared, METHODS[offer.kind])(batch)


def _as_array(raw: Any) -> NDArray[np.float32]:
    try:
        return np.array(to_numpy(raw))
    except Exception as error:
        raise Blocked("it returns no array: see output_is_an_array") from error


def _contents(batch: Mapping[str, list[Payload]]) -> dict[str, list[bytes]]:
    """What is in a batch, by slot."""
    return {slot: [payload_digest(each) for each in payloads] for slot, payloads in batch.items()}


def _more(found: tuple[str, ...]) -> str:
    return f", and {len(found) - 1} more" if len(found) > 1 else ""
