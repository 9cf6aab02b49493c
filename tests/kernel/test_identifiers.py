"""What looks like an NHS number, however its digits are grouped: the check against its plain specification."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.identifiers import DATE_OF_BIRTH, NHS_NUMBER, PATIENTS_NUMBER, Identifier, identifier_in

# Ten digits, at most three separators between two of them, and no further digit at either end; matches may overlap.
TEN = re.compile(r"(?<!\d)(?=(\d(?:[\s\-_.\u00ad\u00b7\u200b-\u200f\u2010-\u2015\u2060\u2212\ufe63\ufeff\uff0d]{0,3}\d){9})(?!\d))")
NUMBERS = st.sampled_from(["9434765919", "943 476 5919", "943-476-5919", "4010232137", "1111111111"])
TEXTS = st.lists(st.one_of(st.text("0123456789 -.x\u200b\u2060\u2212", max_size=6), NUMBERS), max_size=8).map("".join)


def passes(digits: str) -> bool:
    weighted = sum(int(digit) * (10 - at) for at, digit in enumerate(digits[:9]))
    return len(set(digits)) > 1 and -weighted % 11 == int(digits[9])


@given(TEXTS)
def test_ten_digits_are_found_in_whatever_groups_they_stand(text: str) -> None:
    found = any(passes("".join(filter(str.isdecimal, match[1]))) for match in TEN.finditer(text))
    assert (identifier_in(text) is NHS_NUMBER) == found


@pytest.mark.parametrize("between", [*"/,-. ", ", ", "\u2060", "\u200c", "\ufeff", "\u2212"])
def test_whatever_people_put_between_the_groups(between: str) -> None:
    assert identifier_in(f"x 943{between}476{between}5919.")
    assert not identifier_in(f"x 943{between}476{between}5918.")


def test_commas_and_strokes_between_other_groups_are_lists_and_dates() -> None:
    assert not identifier_in("9,4,3,4,7,6,5,9,1,9")
    assert not identifier_in("94/34/7659/19")
    assert not identifier_in("943,476,59190")


def test_a_moment_is_none_whatever_its_digits_are_and_hides_none_beside_it() -> None:
    moments = [f"2026-10-{day:02}{between}{hour:02}:00:00" for day in range(1, 32) for hour in range(24) for between in " T"]
    assert not [moment for moment in moments if identifier_in(f"Since {moment} it is counted anew")]
    assert identifier_in("2026-10-31 00:00 943 476 5919") is NHS_NUMBER
    assert identifier_in("2026-10-31 00") is NHS_NUMBER, "no moment without its minutes"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("DOB 12/03/1951", DATE_OF_BIRTH),
        ("d.o.b.: 1.3.51", DATE_OF_BIRTH),
        ("Date of birth - 12 March 1951", DATE_OF_BIRTH),
        ("born on 3rd May 1949", DATE_OF_BIRTH),
        ("DOB: 1951-03-12", DATE_OF_BIRTH),
        ("MRN: RJE123456", PATIENTS_NUMBER),
        ("NHS No. 12345678", PATIENTS_NUMBER),
        ("hospital number 1234567", PATIENTS_NUMBER),
    ],
)
def test_words_that_give_a_patient_away_are_told_apart(text: str, kind: Identifier) -> None:
    assert identifier_in(f"Moved, {text}, since") is kind


def test_each_kind_says_what_it_is_and_what_to_do_where_it_is_a_false_alarm() -> None:
    assert "ten digits" in NHS_NUMBER.detail
    assert "One in eleven" in NHS_NUMBER.fix
    assert "birth" in DATE_OF_BIRTH.detail
    assert "birth" not in NHS_NUMBER.detail + PATIENTS_NUMBER.detail
    assert all("If it is" in kind.fix or "if it is" in kind.fix for kind in (NHS_NUMBER, PATIENTS_NUMBER, DATE_OF_BIRTH))


@pytest.mark.parametrize(
    "text",
    [
        "two babies were born in October 2026",
        "the NHS number was missing for 41",
        "ST4 6QG is closed",
        "no date of birth for 12 of 300",
        "MRN system down 12/10/2026",
        "call 01782 715444",
    ],
)
def test_words_that_give_nobody_away(text: str) -> None:
    assert not identifier_in(text)
