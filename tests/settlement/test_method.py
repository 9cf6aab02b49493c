"""The method of settlement: it says what the code does, a method that settles otherwise needs another version, and anybody may read it."""

from app.reports.method_note import shown
from app.settlement.domain import METHOD_VERSION
from app.settlement.explanation import FORMULAS
from app.settlement.method import FORMULAS_IN_WORDS, VERSIONS, html, sections
from app.settlement.method_example import example_inputs, example_rules
from tests.settlement.made import SAVED, inputs, rules
from tests.settlement.method_page import faults


def test_the_page_is_what_the_method_says() -> None:
    assert not faults()


def test_the_last_version_is_the_one_in_use() -> None:
    assert VERSIONS[-1].number == METHOD_VERSION
    assert [version.number for version in VERSIONS] == [str(number) for number in range(1, len(VERSIONS) + 1)]


def test_every_formula_that_there_is_is_in_words() -> None:
    assert list(FORMULAS_IN_WORDS) == list(FORMULAS)


def test_the_worked_example_is_the_one_that_is_held_to_the_penny() -> None:
    assert example_rules() == rules(note="")
    theirs = {figure.measure: figure.exact for figure in inputs(SAVED).figures}
    assert {figure.measure: figure.exact for figure in example_inputs("saved").figures} == theirs
    (section,) = (each for each in sections() if each.title == "A worked example")
    assert len(section.tables[1].rows) == 17
    gain = {shown(row[0]): [shown(cell) for cell in row[1:3]] for row in section.tables[1].rows}["gain"]
    assert gain == ["57570659.824231", "0"]


def test_the_page_says_every_part() -> None:
    page = html()
    assert page.count("<section ") == len(sections()) + 1
    assert all(section.source for section in sections())
