"""Options that all models share: a constructor takes them by ``**training``.

mmbench reads a plugin's options from its constructor's signature; this writes them into it, so that
they stand in one place.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["with_options_of"]


def with_options_of(
    base: type, **defaults: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a constructor have its base's options besides its own, which come first.

    Args:
        base: Whose constructor gets ``**training``.
        defaults: Of the base's options, where a model has other ones.
    """

    def widened(init: Callable[..., None]) -> Callable[..., None]:
        wanted: Any = base.__init__  # type: ignore[misc]
        own = inspect.signature(init)
        kept = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
        more = [
            each.replace(default=defaults.get(name, each.default))
            for name, each in inspect.signature(wanted).parameters.items()
            if name not in own.parameters
        ]

        def constructor(self: Any, **given: Any) -> None:
            init(self, **{**defaults, **given})

        shown: Any = constructor
        shown.__name__, shown.__qualname__ = "__init__", init.__qualname__
        shown.__doc__, shown.__module__ = init.__doc__, init.__module__
        shown.__signature__ = own.replace(parameters=[*kept, *more])
        shown.__annotations__ = {**get_type_hints(wanted), **get_type_hints(init)}
        return constructor

    return widened
