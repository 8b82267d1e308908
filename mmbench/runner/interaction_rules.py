"""Which tasks interact, and which representations may be in their loop."""

from __future__ import annotations

from mmbench.api import Connector, NotApplicable, PrecomputedRepresentation, Task

__all__ = ["interacts", "refuse_what_cannot_interact"]


def interacts(task: Task) -> bool:
    """Whether a task has an environment in the loop."""
    return type(task).interact is not Task.interact


def refuse_what_cannot_interact(task: Task, subject: object, label: str) -> None:
    """Say why a representation can't be in a task's loop.

    Raises:
        NotApplicable: It encodes nothing that is not known before.
    """
    if not interacts(task):
        return
    if isinstance(subject, Connector):
        raise NotApplicable(f"{label} is a connector, and this task has its encoder in a loop")
    if isinstance(subject, PrecomputedRepresentation):
        raise NotApplicable(f"{label} has vectors of known items, and this task makes new ones")
