"""A report as a workbook: read back by another program, its marks, its charts, and that the same report gives the same bytes."""

import io
import re
import zipfile
from decimal import Decimal
from typing import Any, Final

import pytest
from python_calamine import CalamineWorkbook

from app.measures.catalogue import CATALOGUE
from app.reports.export_actions import TooManyRows, refuse_too_many
from app.reports.export_looks import marks_of, number_format
from app.reports.export_themes import THEMES
from app.reports.export_workbook import MOST_ROWS, Behind, workbook_of
from app.reports.members import MEMBERS
from tests.reports.made_rows import report, row

PLACES: Final = ("SC-RJE", "SC-RL4", "SC-RTG")
BEHIND: Final = Behind("Cancer services", CATALOGUE.values())


def subcontract(reference: str, numerator: int, denominator: int) -> dict[str, Any]:
    return row(
        slice="subcontract",
        subcontract=reference,
        organisation=reference[3:],
        organisation_name=f"Trust {reference[3:]}",
        numerator=numerator,
        denominator=denominator,
        value=(Decimal(numerator) / denominator).quantize(Decimal("0.000001")),
    )


def a_year() -> list[dict[str, Any]]:
    """The months before October, one of them missing and one beyond chance."""
    months = [f"2025-{number}" for number in (11, 12)] + [f"2026-0{number}" for number in (1, 2, 3, 5, 6, 7, 8, 9)]
    found = [
        row(month=month, period_start=f"{month}-01", period_end=f"{month}-28", value=f"=0.7{number}", status="final")
        for number, month in enumerate(months)
    ]
    return [*found[:-1], found[-1] | {"spc_variation": "concern"}]


def rich() -> dict[str, Any]:
    october = row(spc_mean="=0.75", spc_lower="=0.7", spc_upper="=0.81", spc_from="2025-11", spc_variation="common_cause", rag="amber")
    return report(
        october,
        row(period="quarter", period_start="2026-08-01", value="=0.7699"),
        *(subcontract(reference, 30 + number, 40 + 2 * number) for number, reference in enumerate(PLACES)),
        row(measure="BEDS", measure_name="Patients on the list", kind="activity", unit="people", statistic="stock", value=14, numerator=14, denominator=None),
        row(measure="WAIT", measure_name="@HYPERLINK(1)", kind=None, value=None, numerator=None, denominator=None, missing_reason="open_band"),
    )  # fmt: skip


def sheets(content: bytes) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def parts(content: bytes, folder: str) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return [book.read(name).decode() for name in sorted(book.namelist()) if re.fullmatch(rf"xl/{folder}/\w+\.xml", name)]


def words(sheet: list[list[Any]]) -> str:
    return "\n".join(str(cell) for line in sheet for cell in line if cell != "")


@pytest.fixture(scope="module")
def content() -> bytes:
    return workbook_of(rich(), Behind("Cancer services", CATALOGUE.values(), a_year()))


def test_the_same_report_gives_the_same_bytes(content: bytes) -> None:
    assert workbook_of(rich(), Behind("Cancer services", CATALOGUE.values(), a_year())) == content


def test_a_sheet_for_each_theme_between_what_it_is_and_every_row(content: bytes) -> None:
    found = sheets(content)
    assert list(found) == ["Report", "Service standards", "Activity", "Other measures", "Definitions", "Rows", "Chart figures"]
    for name, sheet in found.items():
        if name != "Rows":
            assert "PROVISIONAL: figures may still change. 11 of 12 returns are in, 96.4% of what is expected." in words(sheet)


def test_every_row_stands_under_its_own_keys_as_a_program_reads_it(content: bytes) -> None:
    header, *lines = sheets(content)["Rows"]
    assert header == list(MEMBERS)
    for line, original in zip(lines, rich()["observations"], strict=True):
        for name, value in zip(header, line, strict=True):
            stated = original[name]
            if stated is None:
                assert value == ""
            elif isinstance(stated, str):
                assert value == ("'@HYPERLINK(1)" if stated == "@HYPERLINK(1)" else stated)
            else:
                assert Decimal(repr(value)) == stated


def test_a_row_of_several_months_says_how_many_hold_figures(content: bytes) -> None:
    sheet = sheets(content)["Service standards"]
    header = next(line for line in sheet if line[0] == "Measure")
    held = {line[2]: line[header.index("Months with figures")] for line in sheet if line[0] == "62 days from referral to first treatment"}
    assert (held["October 2026"], held["August to October 2026"]) == ("", "1 of 3")


def test_a_measure_that_never_had_a_value_is_not_drawn() -> None:
    """It has rows in every month and nothing to draw: a chart without a line would be no chart."""
    nothing = {"measure": "SURV", "value": None, "numerator": None, "target": None, "missing_reason": "not_published_yet"}
    earlier = [row(**nothing, month="2026-09", period_start="2026-09-01", period_end="2026-09-30")]
    assert parts(workbook_of(report(row(**nothing)), Behind("Cancer services", earlier=earlier)), "charts") == []


def test_nothing_in_it_computes(content: bytes) -> None:
    assert not any("<f>" in sheet for sheet in parts(content, "worksheets"))


def test_what_the_first_sheet_says(content: bytes) -> None:
    front = sheets(content)["Report"]
    said = [(line[0], line[1]) for line in front]
    assert {("Month", "October 2026"), ("Returns", "11 of 12"), ("Method", "version 4"), ("CWT-62", "SC-H9901 late")} <= set(said)
    (sentence,) = (words for label, words in said if label == "CWT-62" and words.startswith("62 days"))
    assert "meets the interim target of 75%, but the difference can be chance variation" in sentence
    assert "Down 1.4 percentage points on September 2026, worse. Over time: common cause variation, no significant change." in sentence
    assert {"In short", "What is missing", "Mark p", "Intervals"} <= {label for label, _ in said}


@pytest.mark.parametrize(
    ("head", "superseded_by", "says"),
    [
        ({}, None, "PROVISIONAL"),
        ({"status": "final"}, None, "FINAL. 11 of 12 returns are in"),
        ({"status": "final"}, 7, "SUPERSEDED by publication 7. FINAL"),
        ({"audience": "public", "audience_code": None}, None, "For the public: small figures are withheld."),
    ],
)
def test_how_final_a_publication_is(head: dict[str, Any], superseded_by: int | None, says: str) -> None:
    content = workbook_of(report(row(), published=True, **head), Behind("Cancer services", superseded_by=superseded_by, sha256="ab" * 32))
    front = words(sheets(content)["Report"])
    assert "ab" * 32 in front
    assert says in front
    assert "Live: not published" not in front
    assert "October is provisional." in front


@pytest.mark.parametrize(
    ("changes", "marks"),
    [
        ({}, "p"),
        ({"status": "final"}, ""),
        ({"coverage_test": "incomplete"}, "p i"),
        ({"coverage_test": "unknown", "status": "final"}, "i"),
        ({"coverage_test": "complete", "suppression": "small_count", "source": "import"}, "p w n"),
    ],
)
def test_marks(changes: dict[str, Any], marks: str) -> None:
    assert marks_of(row(**changes)) == marks


def test_a_figure_that_is_withheld_says_so_in_its_place() -> None:
    hidden = row(slice="site", site="lung", site_name="Lung", value=None, numerator=None, denominator=None, suppression="small_count")
    (line,) = (line for line in sheets(workbook_of(report(row(), hidden), BEHIND))["Service standards"] if line[1] == "Lung")
    assert (line[3], line[4], line[-1] or line[-2]) == ("", "p w", "withheld")


def test_a_figure_never_looks_like_the_target_that_it_misses() -> None:
    assert number_format(row(value="=0.8496"), Decimal("0.8496"), Decimal("0.85")) == "0.00%"
    assert number_format(row(), Decimal("0.7758"), Decimal("0.85")) == "0.0%"
    assert number_format(row(unit="count"), 1204) == "#,##0"
    assert number_format(row(unit="days"), Decimal("2.5")) == "#,##0.0##"


def test_charts_are_native_and_draw_from_the_figures_beside_them(content: bytes) -> None:
    trend, bars, funnel = parts(content, "charts")
    assert ("<c:lineChart>" in trend, "<c:barChart>" in bars, "<c:scatterChart>" in funnel) == (True, True, True)
    named = re.findall(r"<c:tx><c:v>([^<]*)</c:v></c:tx>", trend)
    assert named == ["Provisional", "Value", "Target", "Mean", "Process limits", "Lower process limit", "Worse than chance"]
    assert "<c:errBars>" in bars
    assert all(reference in funnel for reference in PLACES)
    assert "too few subcontracts to judge" in funnel
    figures = sheets(content)["Chart figures"]
    first = next(number for number, line in enumerate(figures) if line[0] == "Month")
    months = [line[0] for line in figures[first + 1 : first + 13]]
    # The month that is missing is a gap and no line across it.
    assert months == [
        "Nov 25",
        "Dec 25",
        *(f"{name} 26" for name in ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct")),
    ]
    assert figures[first + 6][figures[first].index("Value")] == ""


def test_definitions_say_what_is_counted_and_asked(content: bytes) -> None:
    line = next(line for line in sheets(content)["Definitions"] if line[1] == "CWT-62")
    measure = CATALOGUE["CWT-62"]
    assert [line[3], line[4], line[5]] == [measure.numerator, measure.denominator, "higher"]
    assert line[8] == "interim 75%, standard 85%, floor 70%, stretch 90%."
    assert line[9] == "Wilson's 95% limits."


def test_a_report_without_rows_and_one_for_a_subcontract_alone() -> None:
    assert list(sheets(workbook_of(report(), BEHIND))) == ["Report", "Definitions", "Rows", "Chart figures"]
    own = sheets(workbook_of(report(subcontract("SC-RJE", 30, 40)), BEHIND))
    assert "Trust RJE" in words(own["Service standards"])


def test_long_names_and_commands_in_them_do_no_harm() -> None:
    behind = Behind("Research & development, " * 20, CATALOGUE.values())
    hostile = row(measure_name='<a href="x">&amp;' * 10, commissioner_name="&L&P" * 60, excludes="SC-A late, " * 4_000)
    assert sheets(workbook_of(report(hostile), behind))["Rows"][1][2] == hostile["measure_name"]


def test_every_kind_of_measure_has_a_theme() -> None:
    kinds = [kind for kind in THEMES if kind is not None]
    found = sheets(workbook_of(report(*(row(kind=kind) for kind in kinds)), BEHIND))
    assert list(found)[1:-3] == [THEMES[kind] for kind in kinds]


def test_too_many_rows_are_refused() -> None:
    refuse_too_many({"observations": [None] * MOST_ROWS})
    with pytest.raises(TooManyRows) as refused:
        refuse_too_many({"observations": [None] * (MOST_ROWS + 1)})
    assert [fault.code for fault in refused.value.faults] == ["too_many_rows"]
