"""Checks: what listing shows and costs, for every plugin."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

from mmbench.api import API_VERSION
from mmbench.import_cost import BUDGET_MS
from mmbench.loading import NAME_RULE, is_name
from mmbench.testing.checks import Blocked, NotRelevant, conformance, fail
from mmbench.testing.processes import listed

if TYPE_CHECKING:
    from mmbench.testing.connectors import ConnectorSubject
    from mmbench.testing.datasets import DatasetSubject
    from mmbench.testing.processes import ProcessReport
    from mmbench.testing.representations import RepresentationSubject
    from mmbench.testing.tasks import TaskSubject

    Subject = RepresentationSubject | ConnectorSubject | TaskSubject | DatasetSubject

#: Characters that a summary may have: a line of ``mmbench list`` on a usual screen.
SUMMARY_LENGTH = 100
#: A measurement that is over its budget is repeated: the machine may have been busy.
_ATTEMPTS = 3

#: Tags of rich and HTML, and control characters that were escaped when the plugin was loaded.
_MARKUP = re.compile(r"\[/?[a-z#@][^\[\]]*\]|</?[A-Za-z][^<>]*>|\\(?:x|u|U)[0-9a-f]{2}")


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def name_can_be_typed(subject: Subject) -> None:
    """Its name can be typed, printed and made part of a file name.

    Up to 100 lower-case or capital letters, digits and ``. _ + -``; the first is a lower-case
    letter or a digit, so that nobody has to guess how it is written. Change ``name`` of its spec.
    """
    name = subject.name
    if not is_name(name) or name[0].isupper():
        fail(
            expected=f"a name of {NAME_RULE}; a first letter is lower-case",
            seen=f"{name!r}",
            change="rename it in its spec: name='my-model'",
        )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def summary_is_one_line(subject: Subject) -> None:
    """Its summary is one line of plain words, of 100 characters at most.

    ``mmbench list`` shows it beside the name, so it says what the name does not. Markup and
    control characters are refused: they would be printed as they are. Write ``summary`` in its
    spec.
    """
    summary = subject.entry.spec.summary
    seen = ""
    if not summary.strip():
        seen = "no summary"
    elif len(summary) > SUMMARY_LENGTH:
        seen = f"{len(summary)} characters"
    elif not summary.isprintable():
        seen = f"a line break or a control character in {summary!r}"
    elif found := _MARKUP.search(summary):
        seen = f"markup or an escaped control character, {found[0]!r}"
    if seen:
        fail(
            expected=f"a summary of 1 to {SUMMARY_LENGTH} plain characters on one line",
            seen=seen,
            change="write it in its spec: summary='Mean colours of pictures'",
        )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def api_version_is_declared(subject: Subject) -> None:
    """The module with its hooks says which version of mmbench's contracts it was written for.

    When a contract changes, mmbench can then say "install a newer version of this plugin" instead
    of failing somewhere. Write ``MMBENCH_API_VERSION = 1`` into the module that the entry point
    names.
    """
    plugin = subject.entry.plugin
    module = EntryPoint(plugin.entry_point, _module(subject), "mmbench").load()
    version = getattr(module, "MMBENCH_API_VERSION", None)
    if version != API_VERSION:
        fail(
            expected=f"MMBENCH_API_VERSION = {API_VERSION} in {plugin.module}",
            seen="it is not set" if version is None else f"it is {version!r}",
            change=f"add the line MMBENCH_API_VERSION = {API_VERSION}",
        )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def listing_imports_nothing_heavy(subject: Subject) -> None:
    """Listing what the plugin brings imports no heavy package.

    ``mmbench --help`` and ``mmbench list`` import the hooks of every installed plugin. One that
    imports torch or pandas there makes each of them seconds slower. Keep hooks in a module of
    their own that imports ``mmbench.api`` only: a spec names its class by path for that reason.
    """
    heavy = _listed(subject).modules
    if heavy:
        fail(
            expected=f"{subject.entry.plugin.module} to be imported without heavy packages",
            seen=f"it imports {', '.join(heavy)}",
            change="import them in the module of the class, or inside its functions",
        )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def listing_is_quick(subject: Subject) -> None:
    """Importing and calling the plugin's hooks takes less than 250 ms.

    Every command pays for it, with every plugin that is installed. A module that holds hooks and
    imports ``mmbench.api`` takes 1 ms. Read files and look for devices in ``load`` or
    ``collections``.
    """
    module = subject.entry.plugin.module
    best = float("inf")
    for attempt in range(_ATTEMPTS):
        best = min(best, _listed(subject, attempt).listing_milliseconds)
        if best <= BUDGET_MS:
            return
    fail(
        expected=f"{module} to be listed in {BUDGET_MS:.0f} ms",
        seen=f"{best:.0f} ms at best, of {_ATTEMPTS} times",
        change=f"find what it does meanwhile: python -X importtime -c 'import {module}'",
    )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def listing_prints_nothing(subject: Subject) -> None:
    """Nothing is printed when the plugin is listed.

    It would stand above the output of every command. Use ``logging``, or say it when something is
    loaded.
    """
    printed = _listed(subject).printed
    if printed:
        fail(
            expected=f"{subject.entry.plugin.module} to be imported and asked in silence",
            seen=f"it printed {printed.splitlines()[0][:100]!r}",
            change="take the print out, or log it in load()",
        )


@conformance("listing", "representations", "connectors", "tasks", "datasets")
def listing_leaves_no_trace(subject: Subject) -> None:
    """Listing the plugin asks nothing of the network and writes no file.

    People list on machines without a network and from read-only folders. Do such things in
    ``load`` or ``collections``, where somebody asked for them.
    """
    report = _listed(subject)
    traces = [f"asked the network: {each}" for each in report.network]
    traces += [f"wrote {each}" for each in report.written]
    if traces:
        fail(
            expected=f"{subject.entry.plugin.module} to be imported and asked without a trace",
            seen=f"it {traces[0]}",
            change="do it in load() or collections(), when the plugin is used",
        )


def _module(subject: Subject) -> str:
    """What the plugin's entry point names."""
    module = subject.entry.plugin.module
    if not module or module == "?":
        raise NotRelevant("it was registered without an entry point")
    return module


def _listed(subject: Subject, attempt: int = 0) -> ProcessReport:
    """What a new process saw that listed its plugin."""
    _module(subject)
    report = listed(subject.entry.plugin, attempt)
    if report.error:
        raise Blocked(f"a new process could not list it: {report.error}")
    return report
