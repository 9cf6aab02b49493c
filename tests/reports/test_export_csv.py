"""A report as CSV: one flat table under the rows' own keys, exact, harmless in a spreadsheet, and however long."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reports.export_csv import csv_of, csv_parts
from app.reports.members import MEMBERS
from app.reports.schemas import ObservationView
from tests.reports.made_rows import row


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_every_member_of_a_row_has_a_meaning_in_its_order() -> None:
    assert list(MEMBERS) == list(ObservationView.model_fields)
    assert all(meaning.endswith(".") for meaning in MEMBERS.values())


def test_the_columns_are_the_keys_in_the_order_of_the_contract() -> None:
    canonical = dict(sorted(row().items()))
    header, *lines = csv_of({"observations": [canonical, row()]}).decode().split("\r\n")
    assert header == ",".join(MEMBERS)
    assert lines[0] == lines[1]
    assert lines[2:] == [""]
    # One that this version does not know comes last, and one that it does not have is not made up.
    assert csv_of({"observations": [{"new": 1, "value": 2, "slice": "all"}]}) == b"slice,value,new\r\nall,2,1\r\n"
    assert csv_of({"observations": []}) == f"{','.join(MEMBERS)}\r\n".encode()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (412, "412"),
        (-3, "-3"),
        (Decimal("0.775895"), "0.775895"),
        (Decimal("-0.5"), "-0.5"),
        (Decimal("1E-6"), "0.000001"),
        (Decimal("1E+2"), "100"),
        ("Stoke on Trent", "Stoke on Trent"),
        ('University "Hospitals", North\nMidlands', '"University ""Hospitals"", North\nMidlands"'),
        ("=1+1", "'=1+1"),
        ("+44", "'+44"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\t=1", "'\t=1"),
        ("0-1", "0-1"),
        ("Zoë Hospice", "Zoë Hospice"),
    ],
)
def test_what_stands_in_a_cell(value: Any, written: str) -> None:
    assert csv_of({"observations": [{"one": value, "other": 1}]}).decode() == f"one,other\r\n{written},1\r\n"


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12), min_size=1, max_size=4))
def test_a_reader_finds_what_was_written_and_never_a_formula(texts: list[str]) -> None:
    (line,) = table(csv_of({"observations": [{str(number): text for number, text in enumerate(texts)}]}))
    for written, text in zip(line.values(), texts, strict=True):
        assert written.removeprefix("'") == text.removeprefix("'")
        assert not written.lstrip().startswith(("=", "+", "-", "@"))


def test_a_table_comes_in_parts_however_long_it_is() -> None:
    rows = [row(numerator=number) for number in range(1201)]
    parts = list(csv_parts(iter(rows)))
    assert len(parts) == 3
    assert b"".join(parts) == csv_of({"observations": rows})
    assert [int(line["numerator"]) for line in table(b"".join(parts))] == list(range(1201))
