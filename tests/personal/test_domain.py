"""Every column that may name a person is classified, once; and how long each kind is kept is counted from the contract's end."""

import importlib
from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import ARRAY, Column, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from app.db.rows import metadata
from app.personal.domain import HOLDS, LEAST_YEARS, NAMES_NOBODY, Keeping, Kind, names_a_person, years_after
from app.settings import Settings
from tests.house.tree import sources
from tests.personal.page import PAGE, text_of


def wordy(tables: MetaData) -> Iterator[str]:
    """Columns of text, JSON, lists or bytes. Text that is compared by its bytes is a code, an id or a digest."""
    for table in tables.tables.values():
        for column in table.columns:
            if (isinstance(column.type, Text) and column.type.collation != "C") or isinstance(column.type, JSONB | LargeBinary | ARRAY):
                yield f"{table.name}.{column.name}"


def test_every_column_of_words_is_classified_once() -> None:
    for source in sources("app"):
        importlib.import_module(source.module)
    found = set(wordy(metadata))
    hint = "say in app/personal/domain.py whether it may name a person"
    assert found - HOLDS.keys() - NAMES_NOBODY == set(), hint
    assert (HOLDS.keys() | NAMES_NOBODY) - found == set(), "classified, and not there (any more)"
    assert HOLDS.keys() & NAMES_NOBODY == set()
    assert not [f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns if "@" in column.name]


def test_a_new_column_of_words_is_noticed() -> None:
    planted = MetaData()
    Table(
        "planted", planted, Column("code", Text(collation="C")), Column("remark", Text), Column("more", JSONB), Column("file", LargeBinary)
    )
    assert set(wordy(planted)) == {"planted.remark", "planted.more", "planted.file"}


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == text_of(), "python -m tests.personal.page --write writes it anew"


@pytest.mark.parametrize(
    ("day", "years", "first"),
    [
        (date(2036, 6, 30), 6, date(2042, 7, 1)),
        (date(2036, 6, 30), 0, date(2036, 7, 1)),
        (date(2028, 2, 29), 1, date(2029, 3, 1)),
        (date(2028, 2, 29), 4, date(2032, 3, 1)),
        (date(2035, 12, 31), 1, date(2037, 1, 1)),
    ],
)
def test_what_lasts_until_a_day_lasts_through_it(day: date, years: int, first: date) -> None:
    assert years_after(day, years) == first


def test_what_is_held_or_has_no_setting_is_never_over() -> None:
    ended = date(2036, 6, 30)
    late = date(2136, 1, 1)
    assert Keeping("p", Kind.PEOPLE, ended, 0, held=False).is_over(date(2036, 7, 1))
    assert not Keeping("p", Kind.PEOPLE, ended, 0, held=False).is_over(ended)
    assert not Keeping("p", Kind.PEOPLE, ended, None, held=False).is_over(late)
    assert not Keeping("p", Kind.PEOPLE, ended, 0, held=True).is_over(late)


def test_each_kind_has_its_setting_none_by_default_and_at_least_what_the_law_asks() -> None:
    for kind in Kind:
        field = Settings.model_fields[f"retention_{kind.value}_years"]
        assert field.default is None
        assert LEAST_YEARS[kind] in [limit.ge for limit in field.metadata if hasattr(limit, "ge")]


@pytest.mark.parametrize(
    ("text", "named"), [("Ada Lovelace", True), ("ada@x.nhs", True), ("live", False), ("A B", False), ("Ada\nLovelace", False)]
)
def test_codes_and_ordinary_words_are_not_looked_for(text: str, *, named: bool) -> None:
    assert names_a_person(text) is named
