"""Makes checks and says how each ended."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from mmbench.testing.checks import Blocked, CheckFailedError, NotRelevant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mmbench.testing.checks import CheckSpec

__all__ = ["Outcome", "Status", "named_in", "not_made", "run_check", "run_checks", "settled"]

#: ``expected``: failed as it said it would. ``blocked``: something else has to be mended first.
Status = Literal["passed", "failed", "skipped", "blocked", "expected"]


@dataclass(frozen=True)
class Outcome:
    """How a check ended.

    Attributes:
        check: Its name.
        family: The checks it stands with.
        status: How it ended.
        reason: Why it was skipped, is blocked or is expected to fail.
        expected: Where it failed: what the contract asks for.
        seen: What the plugin did.
        change: What its author can do about it.
        seconds: How long it took.
    """

    check: str
    family: str
    status: Status
    reason: str = ""
    expected: str = ""
    seen: str = ""
    change: str = ""
    seconds: float = 0.0

    @property
    def message(self) -> str:
        """All that it has to say."""
        if self.status != "failed":
            return self.reason
        return f"expected: {self.expected}\n    seen: {self.seen}\n  change: {self.change}"


def run_check(check: CheckSpec, subject: Any, expected: Mapping[str, str]) -> Outcome:
    """Make one check.

    Args:
        check: The check.
        subject: What it is made of.
        expected: Check to the reason why it fails on purpose. One that passes nonetheless has
            failed: its reason is out of date.
    """
    start = time.perf_counter()
    outcome = replace(_outcome(check, subject), seconds=time.perf_counter() - start)
    if check.name not in expected or outcome.status in ("skipped", "blocked"):
        return outcome
    reason = expected[check.name]
    if outcome.status == "failed":
        return replace(outcome, status="expected", reason=reason)
    return replace(
        outcome,
        status="failed",
        expected=f"to fail, because: {reason}",
        seen="it passed",
        change=f"take {check.name!r} out of expected_failures",
    )


def _outcome(check: CheckSpec, subject: Any) -> Outcome:
    """How a check ended, whatever the plugin raised."""
    try:
        check.function(subject)
    except NotRelevant as why:
        return Outcome(check.name, check.family, "skipped", reason=str(why))
    except Blocked as why:
        return Outcome(check.name, check.family, "blocked", reason=str(why))
    except CheckFailedError as error:
        return Outcome(
            check.name, check.family, "failed",
            expected=error.expected, seen=error.seen, change=error.change,
        )  # fmt: skip
    except KeyboardInterrupt:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - that is what was seen
        return Outcome(
            check.name,
            check.family,
            "failed",
            expected=check.summary,
            seen=f"it raised {_in_a_line(error)}",
            change=f"mend what raises, at {_place(error)}",
        )
    return Outcome(check.name, check.family, "passed")


def run_checks(
    checks: Sequence[CheckSpec],
    subject: Any,
    expected: Mapping[str, str] | None = None,
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> list[Outcome]:
    """Make checks one after the other.

    Where one is blocked and none failed, it counts as failed: nothing is green by not being made.
    It stays blocked only if the check that it names fails as expected, and is skipped if that was.

    Args:
        checks: The checks.
        subject: What they are made of.
        expected: Over the subject's own expected failures.
        progress: ``progress(done, total, what)``.
    """
    known = {**subject.expected_failures, **(expected or {})}
    outcomes = []
    for number, check in enumerate(checks):
        progress(number, len(checks), check.name)
        outcomes.append(run_check(check, subject, known))
    if not any(outcome.status == "failed" for outcome in outcomes):
        status = {outcome.check: outcome.status for outcome in outcomes}
        outcomes = [
            settled(outcome, status) if outcome.status == "blocked" else outcome
            for outcome in outcomes
        ]
    return outcomes


def settled(outcome: Outcome, status: Mapping[str, Status]) -> Outcome:
    """What a blocked check is, where no check has failed.

    Args:
        outcome: The blocked check.
        status: Check to how it ended; those that the reason names are enough.
    """
    named = {status[check] for check in named_in(outcome.reason, status)}
    if "expected" in named:
        return outcome
    if "skipped" in named:
        return replace(outcome, status="skipped")
    return not_made(outcome)


def not_made(outcome: Outcome) -> Outcome:
    """A blocked check that counts as failed."""
    return replace(
        outcome,
        status="failed",
        expected="to be made",
        seen=outcome.reason,
        change="mend what it names",
    )


def named_in(reason: str, checks: Iterable[str]) -> list[str]:
    """Which checks a reason names: ``see it_loads``."""
    words = set(re.findall(r"\w+", reason))
    return [check for check in checks if check in words]


def _in_a_line(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _place(error: BaseException) -> str:
    """File and line where an exception was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
