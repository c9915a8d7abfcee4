"""Why a text is not an identifier, said without the text."""

from __future__ import annotations

from enum import StrEnum


class WhyNot(StrEnum):
    """A stable code for each way a text can fail to be an identifier; safe to store and to show."""

    NOT_TEN_DIGITS = "not_ten_digits"
    WRONG_CHECK_DIGIT = "wrong_check_digit"
    """Modulus 11 does not hold, or a Scottish CHI number does not start with a calendar date."""
    REPEATED_DIGITS = "repeated_digits"
    """All ten digits are one: passes modulus 11, stands for nobody."""
    NOT_A_POSTCODE = "not_a_postcode"
    NOT_A_DATE = "not_a_date"
    TOO_EARLY = "too_early"
    IN_THE_FUTURE = "in_the_future"
    NOT_PRINTABLE_ASCII = "not_printable_ascii"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    NOT_CANONICAL = "not_canonical"
    """`encode` was given a text that `parse` would have changed or refused."""
    NOT_ENCODED = "not_encoded"
    """`decode` was given bytes that `encode` never writes."""


class NotAnIdentifierError(ValueError):
    """The text (or the bytes) is not an identifier of this type. Carries the reason's code and never the value.

    Raise it outside any `except` block: a chained exception of the standard library would quote the value.
    """

    def __init__(self, reason: WhyNot) -> None:
        super().__init__(f"not an identifier: {reason.value}")
        self.reason = reason
