"""Runs the whole kit on one class, registered or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mmbench.api import DatasetSpec, RepresentationSpec, TaskSpec
from mmbench.registry import Entry, PluginInfo, Registry, load_registry
from mmbench.testing.catalogue import Target
from mmbench.testing.checks import NotRelevant
from mmbench.testing.datasets import DatasetSubject
from mmbench.testing.outcomes import run_check, run_checks
from mmbench.testing.tasks import TaskSubject

_SPECS = {
    "representations": RepresentationSpec,
    "connectors": RepresentationSpec,
    "tasks": TaskSpec,
    "datasets": DatasetSpec,
}
PLUGIN = PluginInfo("mmbench-sound", "1", "sound", "sound_plugin")


@dataclass(frozen=True)
class Mutant:
    """A class that fails one check and no other.

    Attributes:
        check: The check that it fails.
        path: ``module:Class``, the module in ``tests/testing``.
        also: Further checks that it fails, each with the reason why that can't be helped.
        spec: Fields of its spec.
        plugin: Fields of its plugin.
        options: Options that it is checked with.
    """

    check: str
    path: str
    also: dict[str, str] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    plugin: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self):
        return f"{self.check}-{self.path.rpartition(':')[2]}"


def registry_with(group, path, *, spec=None, plugin=None, base=None) -> tuple[Registry, str]:
    """A registry that holds this class besides the built-in ones, and its name there."""
    registry = base or load_registry([])
    fields = {
        "name": path.rpartition(":")[2].lower(),
        "summary": "One line about it",
        **({"protocol": "sound"} if group == "tasks" else {}),
        **(spec or {}),
    }
    made = _SPECS[group](path=path, **fields)
    place = "representations" if group == "connectors" else group
    known = PluginInfo(**{**vars(PLUGIN), **(plugin or {})})
    getattr(registry, place)[made.name] = Entry(made, known)
    return registry, made.name


class _Unstarted:
    """Stands for the reports of processes that a test has no use for."""

    def __getitem__(self, index):
        raise NotRelevant("this test starts no process")

    def __getattr__(self, name):
        raise NotRelevant("this test starts no process")


def without_processes(subject):
    """A subject that starts no processes that encode, score, or write a sample."""
    place = "process" if isinstance(subject, (DatasetSubject, TaskSubject)) else "reports"
    setattr(subject, place, _Unstarted())
    return subject


def outcomes_of(
    group, path, workspace, *, spec=None, plugin=None, options=None, base=None, processes=True,
    pause=None,
):  # fmt: skip
    """Check name to outcome of the whole kit.

    Args:
        processes: Whether to start new processes that encode, which takes most of the time.
        pause: Seconds that they wait for at least; None = as long as the kit has them wait.
    """
    registry, name = registry_with(group, path, spec=spec, plugin=plugin, base=base)
    target = Target(group, name, registry, options or {})
    subject = target.subject(workspace)
    if not processes:
        without_processes(subject)
    if pause is not None and group == "representations":
        subject.pause = pause
    return {each.check: each for each in run_checks(target.checks, subject)}


def message_of(check, group, path, workspace, *, options=None) -> str:
    """What one check, made by itself, has to say of a class that fails it."""
    registry, name = registry_with(group, path)
    target = Target(group, name, registry, options or {})
    (spec,) = (each for each in target.checks if each.name == check)
    outcome = run_check(spec, target.subject(workspace), {})
    assert outcome.status == "failed", outcome
    return outcome.message


def failed(outcomes) -> dict[str, str]:
    """What failed, and what it had to say."""
    return {name: each.message for name, each in outcomes.items() if each.status == "failed"}


def assert_fails_only(mutant: Mutant, group, workspace, base=None, *, processes=True) -> None:
    """The mutant fails its check, the declared others, and nothing else."""
    found = failed(
        outcomes_of(
            group, mutant.path, workspace,
            spec=mutant.spec, plugin=mutant.plugin, options=mutant.options, base=base,
            processes=processes, pause=None if mutant.check == "times_agree" else 0.0,
        )
    )  # fmt: skip
    assert mutant.check in found, f"passes {mutant.check}; failed: {found}"
    unexplained = {name: said for name, said in found.items() if name not in mutant.also}
    del unexplained[mutant.check]
    assert not unexplained, unexplained
    stale = [name for name in mutant.also if name not in found]
    assert not stale, f"declared exceptions that it does not fail: {stale}"
