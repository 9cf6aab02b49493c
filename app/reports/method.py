"""The method note: every rule that a report's figures follow, with its source and worked examples, under the method's version.

It is generated: `METHOD.md` is compared with it, and `/docs/method` shows it. Words may be put better at any time; what the examples come to is
held by the digest of the version, so that a method that answers otherwise has to be a version of its own.
"""

from functools import cache
from typing import Final

from app.reports.method_chance import chance_sections
from app.reports.method_counting import counting_sections
from app.reports.method_disclosure import disclosure_sections
from app.reports.method_note import Section, Table, Version, as_html, as_markdown
from app.reports.results import METHOD_VERSION

TITLE: Final = "The method"
VERSIONS: Final = (
    Version("1", "Figures are pooled by each measure's own rule, with coverage, targets and Wilson intervals.", None),
    Version("2", "A ratio without its denominator has no value, and an earlier version's figures are not written as this one's.", None),
    Version("3", "Counts have exact and Byar limits, rows have process control over their series, and subcontracts a funnel.", None),
    Version(
        "4",
        "A row says how many months of its own period have figures in it, is not judged under the publish threshold, and may have a colour.",
        "8942a9981b577320ad7dfcea161083271655d300f60b8e51eb951a21cd875cbe",
    ),
    Version(
        "5",
        "The public is shown a window of months as the sum of what it is shown of its months, and a row says that it is rounded.",
        "eb72769f11646f05ba1dc4f1385fe1b0c57dbb624414d8c516f5a69cd6d7fbac",
    ),
    Version(
        "6",
        "What was not published elsewhere yet is said of the period that was asked for, from its first month on.",
        "eb72769f11646f05ba1dc4f1385fe1b0c57dbb624414d8c516f5a69cd6d7fbac",
    ),
)
"""Only ever added to: a version whose reports may have been read is never given another digest."""

_OPENING: Final = (
    f"How every figure, limit and verdict of a consolidated report is computed, method version {METHOD_VERSION}. Each report says by which version"
    " it was made (`method_version`), and the same inputs by the same version give the same bytes for ever.\n\n"
    "Everything here is generated from the code that computes reports; the examples are computed by it and are of nobody: no figure of any"
    " programme is in this note."
)


@cache
def sections() -> tuple[Section, ...]:
    """Every section, in the order in which a figure comes to be."""
    return (*counting_sections(), *chance_sections(), *disclosure_sections())


def _versions() -> Section:
    return Section(
        "Versions",
        "this service",
        "A report of the same inputs differs between versions, so results of one are never served for another's. Publications keep the"
        " version by which they were made.",
        (),
        [Table("What each version changed", ("version", "changed"), [[each.number, each.changed] for each in VERSIONS])],
    )


def markdown() -> str:
    """The note as it is committed."""
    generated = "Generated from `app/reports/method.py` by `python -m tests.reports.method_page --write`; a test compares the two."
    return as_markdown(f"# {TITLE}\n\n{generated}\n\n{_OPENING}", (*sections(), _versions()))


@cache
def html() -> str:
    """The note as the body of a page."""
    return as_html(f"{TITLE}, version {METHOD_VERSION}", _OPENING, (*sections(), _versions()))
