"""Patients' identifiers: what looks like an NHS number is refused wherever it hides; nobody is ever named back."""

import re
from collections import deque
from typing import Final, NamedTuple

# A group of digits, and what people put between two groups of one number. Groups are taken whole: a further digit at either end of ten
# makes them another number.
_BETWEEN: Final = r"\s\-_.\u00ad\u00b7\u200b-\u200f\u2010-\u2015\u2060\u2212\ufe63\ufeff\uff0d"
_GROUP: Final = re.compile(rf"(\d+)([{_BETWEEN}]{{0,3}}(?=\d))?")
# Commas and strokes stand between figures, dates and coordinates too: only in the groups of an NHS number are they taken for its own.
_LISTED: Final = re.compile(rf"(?<!\d)(\d{{3}})[{_BETWEEN}/,]{{1,3}}(\d{{3}})[{_BETWEEN}/,]{{1,3}}(\d{{4}})(?!\d)")
_FEWEST: Final = 10
# As the NHS writes one: nothing else stands beside it.
_WHOLE: Final = re.compile(r"\s*(\d{3})[ \-]?(\d{3})[ \-]?(\d{4})\s*")
# A moment as programs write it: its first ten digits would be taken for a number as often as any.
_MOMENT: Final = re.compile(r"(?<!\d)(?:19|20|21)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[ T](?:[01]\d|2[0-3]):[0-5]\d")

# What free text says of one patient by name: a date of birth, a hospital's or an NHS number, right or mistyped. Postcodes are left alone:
# organisations have them too.
_BORN: Final = re.compile(
    r"\b(?:d\.?o\.?b\b\.?|date of birth\b|born(?: on)?\b)\W{0,5}"
    r"(?:\d{1,2}(?:st|nd|rd|th)?\W{1,2}(?:\d{1,2}|[a-z]{3,9})\W{1,2}\d{2,4}|\d{4}\W\d{1,2}\W\d{1,2})\b",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(r"\b(?:mrn|(?:nhs|hospital) ?(?:no|number|id))\b\W{0,5}[a-z]{0,3}\d{5}", re.IGNORECASE)

_AGGREGATES: Final = "Only aggregates belong here."


class Identifier(NamedTuple):
    """What gives a patient away: which kind of thing it is, and what to do, also where it is a false alarm. Never the value."""

    detail: str
    fix: str


NHS_NUMBER: Final = Identifier(
    f"This holds ten digits that pass the check of an NHS number. {_AGGREGATES}",
    "Remove it. One in eleven numbers of ten digits passes the check by chance: if it is something else, such as a telephone number,"
    " write it so that it cannot be taken for one, as +44 and the rest.",
)
PATIENTS_NUMBER: Final = Identifier(
    f"This says that the number behind it is a patient's: an NHS or hospital number, or MRN. {_AGGREGATES}",
    "Remove it. If it is no patient's, such as a count of numbers that were missing, put the count before those words.",
)
DATE_OF_BIRTH: Final = Identifier(
    f"This gives a date of birth, or looks like one: a whole date behind words such as born or DOB. {_AGGREGATES}",
    "Remove it. If it is no patient's, such as the day on which a service began, say it in other words.",
)


def _is_nhs_number(digits: str) -> bool:
    """Whether the last of ten digits is the check digit of the first nine (modulus 11)."""
    if len(set(digits)) == 1:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False))
    return (11 - total % 11) % 11 == int(digits[9])


def identifiers_in(text: str) -> tuple[Identifier, ...]:
    """What in a text gives a patient away, each kind once: a number said to be a patient's; ten digits, however grouped, that pass the check
    of an NHS number; a date of birth.

    Its cost grows with the text's length only.
    """
    if len(text) < _FEWEST:
        return ()
    without_moments = _MOMENT.sub(":", text) if ":" in text else text
    looked_for = (
        (PATIENTS_NUMBER, _NUMBERED.search(text) is not None),
        (NHS_NUMBER, _lists_nhs_number(without_moments) or _holds_nhs_number(without_moments)),
        (DATE_OF_BIRTH, _BORN.search(text) is not None),
    )
    return tuple([kind for kind, found in looked_for if found])


def identifier_in(text: str) -> Identifier | None:
    """The first kind of thing in a text that gives a patient away; None where nothing does."""
    return next(iter(identifiers_in(text)), None)


def _lists_nhs_number(text: str) -> bool:
    return any(_is_nhs_number("".join(match.groups())) for match in _LISTED.finditer(text))


def _holds_nhs_number(text: str) -> bool:
    """Whether ten digits that stand together, or in groups with little between them, are an NHS number."""
    looked_at: set[str] = set()
    groups: deque[str] = deque()
    length = 0
    for match in _GROUP.finditer(text):
        group, goes_on = match.groups()
        groups.append(group)
        length += len(group)
        while length > _FEWEST:
            length -= len(groups.popleft())
        if length == _FEWEST:
            digits = "".join(groups)
            if digits not in looked_at and _is_nhs_number(digits):
                return True
            looked_at.add(digits)
        if goes_on is None:
            groups.clear()
            length = 0
    return False


def is_patient_identifier(text: str) -> bool:
    """Whether a text is an NHS number and nothing else: for what consists of digits by its nature, as a telephone number does."""
    match = _WHOLE.fullmatch(text)
    return match is not None and _is_nhs_number("".join(match.groups()))
