"""Moves the clocks of a process, so that what reads them is found out."""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import Any

__all__ = ["AHEAD", "A_SECOND", "move_clocks", "move_dates"]

#: Seconds: more than a year, and another hour, minute and second; a prime number of days, so that
#: what changes every second, third or seventh day changes.
AHEAD = 401 * 86_400.0 + 12_345.6

#: Real seconds after which every clock that counts seconds shows another one.
A_SECOND = 1.05


def move_clocks(ahead: float = AHEAD) -> None:
    """Move the functions of ``time``, for the rest of this process.

    ``time.perf_counter`` and ``time.monotonic`` stay: they differ from process to process anyway.
    What compiled code asks of the system can't be moved: pandas' ``Timestamp.now()``, the times of
    files that are written. Only a real second later shows that (:data:`A_SECOND`).
    """
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() + ahead
    time.time_ns = lambda: real_ns() + int(ahead * 1e9)
    for name in ("gmtime", "localtime", "ctime"):
        setattr(time, name, _later(getattr(time, name), ahead, real))
    moment, said, spelt = time.localtime, time.strftime, time.asctime
    time.strftime = lambda format, t=None: said(format, moment() if t is None else t)  # noqa: A006
    time.asctime = lambda t=None: spelt(moment() if t is None else t)
    if sys.platform != "win32":
        _move_clock_of_the_system(ahead)


def _move_clock_of_the_system(ahead: float) -> None:
    """Move ``time.clock_gettime``, of the clocks that tell the time of day."""
    day = {time.CLOCK_REALTIME, getattr(time, "CLOCK_TAI", time.CLOCK_REALTIME)}
    real, real_ns = time.clock_gettime, time.clock_gettime_ns
    time.clock_gettime = lambda clk_id: real(clk_id) + (ahead if clk_id in day else 0.0)
    time.clock_gettime_ns = lambda clk_id: (
        real_ns(clk_id) + (int(ahead * 1e9) if clk_id in day else 0)
    )


def move_dates(package: str, ahead: float = AHEAD) -> None:
    """Move ``datetime.datetime``, ``datetime.date`` and ``numpy.datetime64``, from now on.

    Only when all compiled modules are imported: those that derive from either would crash.

    Args:
        package: Whose modules may have imported the classes by name already.
        ahead: Seconds.
    """
    moment, day = dt.datetime, dt.date
    later: dict[Any, Any] = {moment: (found := _later_moments(ahead))[0], day: found[1]}
    dt.datetime, dt.date = later[moment], later[day]  # type: ignore[misc]
    if numpy := sys.modules.get("numpy"):
        real = numpy.datetime64
        later[real] = _later_datetime64(real, ahead)
        vars(numpy)["datetime64"] = later[real]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != package:
            continue
        for key, value in list(vars(module).items()):
            if any(value is known for known in later):
                setattr(module, key, later[value])


def _later(function: Any, ahead: float, real: Any) -> Any:
    """A function of a time that is now by default."""

    def moved(seconds: float | None = None) -> Any:
        return function(real() + ahead if seconds is None else seconds)

    return moved


def _later_moments(ahead: float) -> tuple[Any, Any]:
    """``datetime`` and ``date`` whose present is later; any moment is an instance of theirs."""
    moment, day = dt.datetime, dt.date

    class Both(type):
        """Instances and subclasses of a real class are those of the class that stands for it."""

        def __instancecheck__(cls, instance: object) -> bool:
            return cls.__subclasscheck__(type(instance))

        def __subclasscheck__(cls, subclass: type) -> bool:
            return real_class.get(cls, cls) in subclass.__mro__

    class Moment(moment, metaclass=Both):  # type: ignore[misc, valid-type]
        """``datetime``, later."""

        __slots__ = ()  # compiled code compares the size

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return moment.now(tz) + dt.timedelta(seconds=ahead)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.now(dt.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    class Day(day, metaclass=Both):  # type: ignore[misc, valid-type]
        """``date``, later."""

        __slots__ = ()

        @classmethod
        def today(cls) -> Any:
            return Moment.now().date()

    real_class: dict[type, type] = {Moment: moment, Day: day}
    for cls, name in ((Moment, "datetime"), (Day, "date")):
        cls.__module__, cls.__name__, cls.__qualname__ = "datetime", name, name  # for pickle
    return Moment, Day


def _later_datetime64(real: Any, ahead: float) -> Any:
    """``numpy.datetime64`` whose "now" and "today" are later; what it makes is of the real type."""

    class Stand(type(real)):  # type: ignore[misc]
        """It equals the type it stands for, and what is an instance or a subclass is so here."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, real)

        def __eq__(cls, other: object) -> bool:
            return other is cls or other is real

        def __hash__(cls) -> int:
            return hash(real)

    class Later(real, metaclass=Stand):  # type: ignore[misc]
        """``datetime64``, later."""

        def __new__(cls, *given: Any) -> Any:
            made, word = real(*given), given[0] if given else None
            if isinstance(word, str) and word.lower() in ("now", "today"):
                return (made + type(made - made)(round(ahead), "s")).astype(made.dtype)
            return made

    Later.__module__, Later.__name__, Later.__qualname__ = "numpy", "datetime64", "datetime64"
    return Later
