"""Numbers as text: one count of decimals for a value and its interval, and never a minus zero.

Shares are shown in percent with one decimal, and with two where the value is below 10 %: a chance
level of 0.25 % is neither 0.2 nor 0.3. Ranks have one decimal, all else three.
"""

from __future__ import annotations

from mmbench.results.ranking import significant_digits

__all__ = ["decimals", "number_text", "signed_text"]


def decimals(value: float, unit: str) -> int:
    """How many decimals a value of this unit, and what stands with it, is shown with."""
    if unit == "share":
        return 2 if abs(round(_scaled(value, unit), 2)) < 10 else 1
    return 1 if unit == "rank" else 3


def number_text(value: float, unit: str, places: int) -> str:
    """A value with so many decimals; a share in percent."""
    text = f"{_scaled(value, unit):.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def signed_text(value: float, unit: str, places: int) -> str:
    """A difference with its sign; none where it rounds to zero."""
    text = number_text(value, unit, places)
    return text if text.startswith("-") or float(text) == 0 else f"+{text}"


def _scaled(value: float, unit: str) -> float:
    # 12 digits: the noise of summation must not turn a half up in one row and down in the next.
    return significant_digits(100 * value if unit == "share" else value)
