"""The method note as a page: `python -m tests.reports.method_page` compares app/reports/METHOD.md with the method, `--write` brings it up to date."""

from pathlib import Path
from typing import Final

from app.reports.method import VERSIONS, markdown, sections
from app.reports.method_note import examples_sha256
from tests.support.pages import answers_otherwise, compare_or_write, out_of_date

PAGE: Final = Path(__file__).resolve().parents[2] / "app/reports/METHOD.md"


def faults() -> list[str]:
    """What does not agree: the page with the method, and the method with its version."""
    return [*out_of_date(PAGE, markdown(), "tests.reports.method_page"), *answers_otherwise(examples_sha256(sections()), VERSIONS[-1])]


if __name__ == "__main__":
    raise SystemExit(compare_or_write(PAGE, markdown(), faults))
