"""The method note: it says what the code does, a method that answers otherwise needs another version, and anybody may read it."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from app.reports.method import VERSIONS, html, sections
from app.reports.method_note import Section, Table, as_html, as_markdown, examples_sha256, shown
from app.reports.results import METHOD_VERSION
from tests.house.tree import ROOT
from tests.reports.method_page import faults


def test_the_note_is_what_the_method_says() -> None:
    assert not faults()


def test_the_last_version_is_the_one_in_use() -> None:
    assert VERSIONS[-1].number == METHOD_VERSION
    assert [version.number for version in VERSIONS] == [str(number) for number in range(1, len(VERSIONS) + 1)]


def test_another_answer_is_noticed_and_another_word_is_not() -> None:
    first, *rest = sections()
    table, *tables = first.tables
    *rows, last = table.rows
    answered = first._replace(tables=[table._replace(rows=[*rows, [*last[:-1], "another"]]), *tables])
    assert examples_sha256([answered, *rest]) != examples_sha256(sections())
    worded = first._replace(title="Otherwise", rules="Said in another way.", tables=[table._replace(caption="Called otherwise"), *tables])
    assert examples_sha256([worded, *rest]) == examples_sha256(sections())


@pytest.mark.parametrize(
    ("file", "rule", "another"),
    [("process_control.py", "RUN: Final = 7", "RUN: Final = 6"), ("rag.py", "if short <= 0:", "if short < 0:")],
)
def test_a_method_that_answers_otherwise_under_the_same_version_is_noticed(file: str, rule: str, another: str, tmp_path: Path) -> None:
    copytree(ROOT / "app", tmp_path / "app", ignore=ignore_patterns("__pycache__"))
    changed = tmp_path / "app" / "reports" / file
    text = changed.read_text()
    assert rule in text
    changed.write_text(text.replace(rule, another))
    asked = (
        "from app.reports.method import VERSIONS, sections; from app.reports.method_note import examples_sha256;"
        " raise SystemExit(examples_sha256(sections()) != VERSIONS[-1].examples_sha256)"
    )
    assert subprocess.run([sys.executable, "-c", asked], cwd=tmp_path, check=False, timeout=60).returncode == 1


def rows_of(title: str, caption: str) -> dict[str, Sequence[str]]:
    """The rows of a table as they are shown, by their first cells."""
    (section,) = (each for each in sections() if each.title == title)
    (table,) = (each for each in section.tables if each.caption.startswith(caption))
    return {shown(row[0]): [shown(cell) for cell in row] for row in table.rows}


@pytest.mark.parametrize(
    ("title", "caption", "row", "cells"),
    # Worked out by hand, or as the sources print them.
    [
        ("How figures are pooled", "Two or three", "stock_last", ["stock_last", "120 + 30", "stock", "150", "", "150", ""]),
        ("How figures are pooled", "Two or three", "mean_weighted", ["mean_weighted", "41/10 + 9/3", "mean", "50", "13", "3.846154", ""]),
        ("What is missing", "Three subcontracts", "the largest late", ["the largest late", "3", "2", "0.200000", "incomplete", "SC-0 late"]),
        ("What is missing", "Three subcontracts", "one volume not known", ["one volume not known", "3", "3", "", "complete", ""]),
        ("What is missing", "Three subcontracts", "the smallest late", ["the smallest late", "3", "2", "0.950000", "complete", "SC-2 late"]),
        ("Over which months", "A contract year", "2026-12", ["2026-12", "2026-12", "2026-10 to 2026-12", "2026-04 to 2026-12", "2026-07 to 2026-12", "2026-01 to 2026-12", "yes"]),
        ("Three verdicts, kept apart", "A standard", "8496/10000", ["8496/10000", "higher", "all, month", "whole", "0.849600", "not_met", "similar"]),
        ("How sure a proportion is", "Proportions", "850", ["850", "1000", "0.850000", "0.826531", "0.870790", "0.811804", "0.881575"]),
        ("How sure a count is", "Counts", "9", ["9", "exact_95", "4.115373", "17.084803", "4.106885", "17.085781", "4.115373", "17.084803"]),
        ("How sure a count is", "Counts", "65", ["65", "byar_95", "50.163188", "82.849139", "50.163188", "82.849139", "50.165628", "82.847836"]),
        ("Whether subcontracts differ by more than chance", "Limits around", "100", ["100", "0.721601", "0.878399", "0.676391", "0.923609"]),
        ("Limits of process control", "The series", "as published, with screening", ["as published, with screening", "78.733333", "3", "70.753333", "73.413333", "84.053333", "86.713333"]),
        ("Limits of process control", "The series", "the first 11 points only", ["the first 11 points only", "too_few_points", *[""] * 5]),
        ("Limits of process control", "What a row says", "of 4 patients a month", ["of 4 patients a month", "2026-01", "15", "", "", "", "none", "", "too_few_points"]),
        ("Over which months", "October", "a census", ["a census", "stock_last", "100 + 110 + 120", "120", "", "120", "", "1"]),
        ("Over which months", "October", "one without figures", ["one without figures", "ratio_sum", "8/10 + none + 9/10", "17", "20", "0.850000", "", "2"]),
    ],
)  # fmt: skip
def test_examples_are_those_that_were_worked_out_elsewhere(title: str, caption: str, row: str, cells: list[str]) -> None:
    assert rows_of(title, caption)[row] == cells


def test_every_section_has_a_source_and_every_table_whole_rows() -> None:
    for section in sections():
        assert all((section.source, section.rules, section.tables)), section.title
        for table in section.tables:
            assert {len(row) for row in table.rows} == {len(table.columns)}, table.caption


def test_a_note_is_shown_as_text_and_as_a_page() -> None:
    section = Section("What is <new>?", "nobody", "First.\n\nSecond.", ["a < b"], [Table("Pipes", ("a|b", "c"), [["1|2", None]])])
    text = as_markdown("# Note", [section])
    assert "\n\nFirst.\n\nSecond.\n\n    a < b\n\n*Pipes*\n\n| a\\|b | c |\n| --- | --- |\n| 1\\|2 |  |\n" in text
    page = as_html("Note", "Opening.", [section])
    assert '<section id="what-is-new"><h2>What is &lt;new&gt;?</h2>' in page
    assert "<p>First.</p><p>Second.</p><pre>a &lt; b</pre>" in page
    assert '<th scope="col">a|b</th>' in page


def test_the_page_leads_to_every_section() -> None:
    anchors = set(re.findall(r'href="#([^"]+)"', html()))
    assert len(anchors) == len(sections()) + 1
    assert anchors == set(re.findall(r'<section id="([^"]+)"', html()))
    assert f"version {METHOD_VERSION}" in html()
