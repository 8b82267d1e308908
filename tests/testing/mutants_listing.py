"""Classes that break what listing shows or what options may be, one thing each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from sound_representation import Sound

from mmbench.api import Connector, Representation

if TYPE_CHECKING:
    from mmbench.api import Image


def members(cls):
    """What a class defines itself, to be defined once more."""
    left_out = {"__dict__", "__weakref__", "__doc__", "__abstractmethods__", "_abc_impl"}
    own = {name: value for name, value in vars(cls).items() if name not in left_out}
    return own | {"__module__": __name__}


#: Has all methods of a representation, and derives from none.
Duck = type("Duck", (), {**members(Representation), **members(Sound), "__doc__": Sound.__doc__})
Undocumented = type("Undocumented", (Representation,), members(Sound))


class Undescribed(Sound):
    def __init__(self, *, gain: float = 1.0, power: float = 1.0) -> None:
        super().__init__(gain=gain)


class Anything(Sound):
    def __init__(self, *, gain: float = 1.0, **more: float) -> None:
        super().__init__(gain=gain)


class Positional(Sound):
    def __init__(self, gain: float = 1.0, /) -> None:
        super().__init__(gain=gain)


class Unhinted(Sound):
    def __init__(self, *, gain=1.0) -> None:
        super().__init__(gain=gain)


class UnreadableHint(Sound):
    def __init__(self, *, gain: Image | float = 1.0) -> None:
        super().__init__(gain=gain)


class WrongDefault(Sound):
    def __init__(self, *, salt: str = 1) -> None:
        super().__init__()


class NotPlain(Sound):
    def __init__(self, *, salt: frozenset = frozenset({"a"})) -> None:
        super().__init__()


class Slow(Sound):
    built = 0

    def __init__(self, *, gain: float = 1.0) -> None:
        super().__init__(gain=gain)
        Slow.built += 1
        if Slow.built <= 3:
            time.sleep(0.3)


class Meddling(Sound):
    def __init__(self, *, salt: list = ["a"]) -> None:  # noqa: B006
        super().__init__()
        salt.append("b")


class Excused(Sound):
    expected_failures: ClassVar = {"output_is_fine": "it is not"}


class Unexcused(Sound):
    expected_failures: ClassVar = {"dense_maps_are_upright": " "}


class Refusing(Sound):
    def __init__(self, *, gain: float = 1.0) -> None:
        raise RuntimeError("no licence")


class Listed(Sound):
    """With options of every plain type.

    Args:
        gain: Vectors are multiplied by it.
        name: A name, or none.
        layers: Numbers.
        table: Names to numbers.
        names: Of the layers.
    """

    def __init__(
        self,
        *,
        gain: float = 1,
        name: str | None = None,
        layers: tuple[int, ...] = (1, 2),
        table: dict[str, int] | None = None,
        names: list[str] = ["gain"],  # noqa: B006
    ) -> None:
        super().__init__(gain=gain)


class Joined(Connector):
    """Joins nothing.

    Args:
        dim: Length of the vectors.
    """

    def __init__(self, *, dim: int = 24) -> None:
        self.bases = {}
        self.routes = {}

    def needs(self):
        return []

    def describe(self, bases): ...

    def fit_vectors(self, arrays, ctx): ...

    def project(self, base, slot, vectors): ...

    def state(self): ...

    def load_state(self, state): ...
