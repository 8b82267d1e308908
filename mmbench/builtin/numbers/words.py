"""Numbers and digits in English words, in several phrasings."""

from __future__ import annotations

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

#: How a three-digit number can be said; 342 as an example of each.
NUMBER_PHRASINGS = {
    "british": "three hundred and forty-two",
    "american": "three hundred forty-two",
    "digits": "three four two",
    "paired": "three forty-two",
    "places": "three hundreds, four tens and two ones",
}
#: How a single digit can be said; 3 as an example of each.
DIGIT_PHRASINGS = {
    "plain": "three",
    "digit": "digit three",
    "number": "the number three",
    "key": "key three",
}


def say_digit(digit: int, phrasing: str) -> str:
    """A digit in words, in one of :data:`DIGIT_PHRASINGS`."""
    return DIGIT_PHRASINGS[phrasing].replace("three", DIGITS[digit])


def say_number(number: int, phrasing: str) -> str:
    """A number 0..999 in words, in one of :data:`NUMBER_PHRASINGS`.

    Phrasings that name every place keep leading zeros ("zero four two"); the others drop them
    ("forty-two").
    """
    hundreds, tens, ones = number // 100, number // 10 % 10, number % 10
    if phrasing == "digits":
        return f"{DIGITS[hundreds]} {DIGITS[tens]} {DIGITS[ones]}"
    if phrasing == "places":
        return f"{DIGITS[hundreds]} hundreds, {DIGITS[tens]} tens and {DIGITS[ones]} ones"
    if phrasing == "paired":
        return f"{DIGITS[hundreds]} {_pair(tens, ones)}"
    joint = {"british": " and ", "american": " "}[phrasing]
    rest = _below_hundred(tens, ones)
    if hundreds == 0:
        return rest or DIGITS[0]
    return f"{DIGITS[hundreds]} hundred{joint if rest else ''}{rest}"


def _below_hundred(tens: int, ones: int) -> str:
    """0..99 in words; nothing for 0."""
    if tens == 0:
        return DIGITS[ones] if ones else ""
    if tens == 1:
        return _TEENS[ones]
    return f"{_TENS[tens]}-{DIGITS[ones]}" if ones else _TENS[tens]


def _pair(tens: int, ones: int) -> str:
    """The last two digits as one reads out a room number: "forty-two", "oh two", "hundred"."""
    if tens == 0:
        return f"oh {DIGITS[ones]}" if ones else "hundred"
    return _below_hundred(tens, ones)
