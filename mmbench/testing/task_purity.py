"""Checks: scoring is a pure function of what it is handed."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import random
import sys
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, fail
from mmbench.testing.evaluations import difference, same
from mmbench.testing.watching import STARTS, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmbench.api import Evaluation, ItemTable, ScoreInputs
    from mmbench.testing.tasks import TaskSubject

#: What Python's own machinery reads: modules, and the kernel's answers.
_MACHINERY = (".py", ".pyc", ".so", ".pyd", ".dylib")
_KERNEL = ("/proc/", "/sys/", "/dev/")
_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
_STATE = 20_260_101
_PURE = "let score() depend on its inputs and the options alone"


class _Watch:
    """Notes files and addresses that Python opens, and what it starts, while it is on.

    An audit hook can't be taken off again, so there is one a process, and it is off but for one
    call at a time.
    """

    def __init__(self) -> None:
        self.files: list[str] | None = None
        self.network: list[str] | None = None
        self.started: list[str] | None = None
        sys.addaudithook(self._see)

    @contextlib.contextmanager
    def on(self) -> Iterator[tuple[list[str], list[str], list[str]]]:
        """Note what is opened meanwhile, files and addresses, and what is started."""
        found: tuple[list[str], list[str], list[str]] = ([], [], [])
        self.files, self.network, self.started = found
        try:
            yield found
        finally:
            self.files = self.network = self.started = None

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        files, network, processes = self.files, self.network, self.started
        if files is not None and event == "open":
            path = arguments[0]
            if isinstance(path, (str, bytes, os.PathLike)):
                text = os.fsdecode(path)
                if not text.endswith(_MACHINERY) and not text.startswith(_KERNEL):
                    files.append(text)
        elif processes is not None and event in STARTS:
            processes.append(started(event, arguments))
        elif network is not None and event in _NETWORK:
            network.append(f"{event.partition('.')[2]} {arguments[-1]!r}")


@cache
def _watch() -> _Watch:
    return _Watch()


@conformance("purity", "tasks")
def scoring_repeats(subject: TaskSubject) -> None:
    """The same inputs give the same scores, to the last bit.

    Two new instances score equal arrays. Draw from ``np.random.default_rng(inputs.seed)`` and set
    ``info.seeded``, or draw nothing.
    """
    _same_again(subject, subject.score(subject.reference("random")), "a second time")


@conformance("purity", "tasks")
def scoring_remembers_nothing(subject: TaskSubject) -> None:
    """What was scored before changes nothing.

    One instance scores other arrays first. Keep nothing on ``self``, the class or the module while
    scoring.
    """
    task = subject.new()
    with blocking("score()", "it_scores"):
        subject.run(task, subject.reference("random", seed=1))
        found = subject.run(task, subject.reference("random"))
    _same_again(subject, found, "after another one, by the same instance")


@conformance("purity", "tasks")
def scoring_takes_stored_tables(subject: TaskSubject) -> None:
    """Tables that were written as JSON and read back score the same.

    A cell is scored again from what was stored: arrays have become lists, tuples lists, numpy
    numbers plain ones. Convert columns yourself: ``np.asarray(table["label"])``.
    """
    _same_again(subject, subject.stored, "from tables that were stored as JSON")


@conformance("purity", "tasks")
def scoring_repeats_in_a_new_process(subject: TaskSubject) -> None:
    """What was stored scores the same in a new process, on another day.

    ``mmbench score`` opens no collection, and runs where and when somebody wants it to: with
    another clock, other hashes of text, and a class that has not been used before. Keep on
    ``self`` what ``__init__`` is given, no more; sort sets before you walk through them.
    """
    first, report = subject.stored, subject.process
    seen = f"it raised {report.score_error}" if report.score_error else ""
    for evaluation in report.evaluations:
        what = difference(first, evaluation)
        seen = seen or (f"another result: {what}" if what else "")
    if not seen:
        return
    if difference(first, subject.score(subject.reference("random"))):
        raise Blocked("it scores otherwise here too: see scoring_repeats")
    fail(
        expected="the same scores in a new process, at another time",
        seen=seen,
        change="let score() depend on its inputs and the options alone: no clock, no attribute "
        "that collections() sets, no order of a set",
    )


@conformance("purity", "tasks")
def scoring_reads_no_environment(subject: TaskSubject) -> None:
    """Scoring asks for no variable of the environment.

    Records say options, not variables: nobody could make the number again. What libraries ask for
    does not count.
    """
    report = subject.process
    if report.asked:
        fail(
            expected="score() to ask for no variable of the environment",
            seen=f"os.environ[{report.asked[0]!r}]",
            change="make it an option: a keyword argument of __init__",
        )


@conformance("purity", "tasks")
def scoring_starts_no_process(subject: TaskSubject) -> None:
    """Scoring starts no other process.

    What another program answers depends on the machine. Compute in Python, from the inputs.
    """
    processes = _seen(subject)[2]
    if processes:
        fail(
            expected="score() to start no process",
            seen=processes[0],
            change="compute it in Python, or bring it as a column of a collection",
        )


@conformance("purity", "tasks")
def scoring_opens_no_file(subject: TaskSubject) -> None:
    """Scoring opens no file.

    It may run on another machine, without the data. Put what it needs into columns or requests.
    Modules may be imported. What compiled code writes, or a process that it started, is looked for
    in the working folder and the home folder of a new process; elsewhere it can't be seen.
    """
    files, _, _ = _seen(subject)
    files += subject.process.written
    if files:
        fail(
            expected="score() to open no file",
            seen=files[0],
            change="bring what it reads as a column of a collection",
        )


@conformance("purity", "tasks")
def scoring_asks_no_network(subject: TaskSubject) -> None:
    """Scoring asks nothing of the network.

    The same numbers must come out offline, and in ten years.
    """
    _, network, _ = _seen(subject)
    if network:
        fail(
            expected="score() to work offline",
            seen=network[0],
            change="bring what it asks for as a column of a collection",
        )


@conformance("purity", "tasks")
def scoring_leaves_its_inputs(subject: TaskSubject) -> None:
    """Scoring changes neither arrays nor tables.

    Others score the same arrays after it. Copy before you sort, scale or fill in place.
    """
    subject.evaluation("random")
    inputs = subject.reference("random")
    before = copy.deepcopy((dict(inputs.arrays), dict(inputs.tables)))
    _quiet(subject, inputs)
    for name, values in before[0].items():
        if name not in inputs.arrays or not same(values, inputs.arrays[name]):
            fail(
                expected=f"score() to leave the array {name!r} as it is",
                seen="other values in it afterwards",
                change="work on a copy: vectors = vectors / lengths, not vectors /= lengths",
            )
    for key, table in before[1].items():
        after = inputs.tables.get(key)
        if after is None or not same(_listed(table), _listed(after)):
            fail(
                expected=f"score() to leave the table {key!r} as it is",
                seen="other ids or columns in it afterwards",
                change="work on a copy: sorted(column), not column.sort()",
            )


@conformance("purity", "tasks")
def scoring_leaves_the_random_state(subject: TaskSubject) -> None:
    """Scoring leaves the global random state of Python and numpy alone.

    Seeding or drawing from it changes what others draw. Use ``np.random.default_rng(inputs.seed)``.
    """
    subject.evaluation("random")
    inputs, kept = subject.reference("random"), _random_states()
    try:
        # From a state of our own: one that scoring seeds anew each time would look unchanged.
        random.seed(_STATE)
        np.random.seed(_STATE)  # noqa: NPY002 - the global state is what is looked at
        before = _random_states()
        _quiet(subject, inputs)
        after = _random_states()
    finally:
        random.setstate(kept["random"])
        np.random.set_state(kept["np.random"])  # noqa: NPY002 - the same
    for whose, state in before.items():
        if not same(state, after[whose]):
            fail(
                expected=f"score() to leave the state of {whose} as it is",
                seen="another state afterwards",
                change="draw from np.random.default_rng(inputs.seed)",
            )


@conformance("purity", "tasks")
def scoring_prints_nothing(subject: TaskSubject) -> None:
    """Scoring prints nothing.

    Only the command line writes on the screen. Put what a reader must know into
    ``Evaluation.notes`` or ``parameters``.
    """
    subject.evaluation("random")
    printed = _quiet(subject, subject.reference("random"))
    if printed.strip():
        fail(
            expected="score() to print nothing",
            seen=repr(printed.strip()[:80]),
            change="return it in Evaluation.notes or Evaluation.parameters",
        )


@conformance("purity", "tasks")
def only_seeded_scoring_uses_the_seed(subject: TaskSubject) -> None:
    """Unless ``info.seeded`` says so, the seed changes nothing.

    A task that is not seeded is scored once, whatever the seeds of the suite.
    """
    if subject.info.seeded:
        raise NotRelevant("it is seeded")
    inputs = replace(subject.reference("random"), seed=1)
    _same_again(subject, subject.score(inputs), "with another seed")


@conformance("purity", "tasks")
def seeded_scoring_uses_the_seed(subject: TaskSubject) -> None:
    """Where ``info.seeded`` says that scoring is random, some seed changes something.

    Seeded cells are run once a seed. Leave ``seeded`` out where nothing is drawn. What draws in a
    task that interacts is its interaction: see ``interaction_follows_the_seed``.
    """
    if not subject.info.seeded:
        raise NotRelevant("it is not seeded")
    subject.require_items()
    for seed in range(1, 5):
        found = subject.score(replace(subject.reference("random"), seed=seed))
        if difference(subject.evaluation("random"), found):
            return
    fail(
        expected="scoring that is seeded to depend on inputs.seed",
        seen="the same scores for the seeds 0 to 4",
        change="draw from np.random.default_rng(inputs.seed), or say seeded=False",
    )


def _same_again(subject: TaskSubject, found: Evaluation, how: str) -> None:
    """Fail where these scores of the random arrays are not the first ones."""
    what = difference(subject.evaluation("random"), found)
    if what:
        fail(expected=f"the same scores {how}", seen=f"another result: {what}", change=_PURE)


def _seen(subject: TaskSubject) -> tuple[list[str], list[str], list[str]]:
    """Files and addresses that scoring opens, and processes, once everything is imported."""
    subject.evaluation("random")
    task, inputs = subject.new(), subject.reference("random")
    with subject.one_thread(), _watch().on() as found, blocking("score()", "it_scores"):
        task.score(inputs)
    return found


def _quiet(subject: TaskSubject, inputs: ScoreInputs) -> str:
    """Score, and give what is printed meanwhile.

    Raises:
        Blocked: It raises.
    """
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            subject.run(subject.new(), inputs)
        except Exception as error:
            raise Blocked("it raises when it is called again: see scoring_repeats") from error
    return said.getvalue()


def _random_states() -> dict[str, Any]:
    """The global states, by the module whose they are."""
    return {"random": random.getstate(), "np.random": np.random.get_state()}  # noqa: NPY002


def _listed(table: ItemTable) -> dict[str, Any]:
    return {"ids": list(table.ids), "columns": {k: list(v) for k, v in table.columns.items()}}
