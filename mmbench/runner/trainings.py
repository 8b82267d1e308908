"""Which trained state a subject has: what points to it, and what enters the keys of its vectors.

A connector learns from its bases' vectors, so its training is named by the states that its bases
have, not by what they were trained on: a base that is trained anew takes its connectors along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbench.runner.keys import key_of

if TYPE_CHECKING:
    from mmbench.runner.artifacts import ArtifactStore
    from mmbench.runner.subjects import Subject

__all__ = ["Trainings"]


@dataclass(frozen=True)
class Trainings:
    """Looks trained states up.

    Attributes:
        store: Where they are.
        precision: What the run computes in; vectors that a connector learns from follow it.
    """

    store: ArtifactStore
    precision: str

    def recipe(self, subject: Subject) -> str | None:
        """Under what its state is published; None if it is not trained, or a base is not yet."""
        if subject.connector is None or subject.recipe is None:
            return subject.recipe
        bases = self._bases(subject)
        return None if bases is None else key_of("joined", subject.recipe, self.precision, bases)

    def shared(self, subject: Subject) -> str:
        """Names what a connector's trainings with all seeds have in common."""
        return key_of("shared", subject.shared, self.precision, self._bases(subject))

    def content(self, subject: Subject) -> str | None:
        """Hash of its state; None if there is none."""
        recipe = self.recipe(subject)
        return None if recipe is None else self.store.find(recipe)

    def artifact(self, subject: Subject) -> str | None:
        """What the keys of its vectors hold of its state and its bases'; None if there is none."""
        content = self.content(subject)
        if content is None or subject.connector is None:
            return content
        bases = self._bases(subject)
        return key_of("joined", content, bases) if bases else content

    def _bases(self, subject: Subject) -> list[tuple[str, str]] | None:
        """The states of its trained bases; None if one of them has none yet."""
        found = []
        for name, base in sorted(subject.bases.items()):
            if base.recipe is None:
                continue
            artifact = self.artifact(base)
            if artifact is None:
                return None
            found.append((name, artifact))
        return found
