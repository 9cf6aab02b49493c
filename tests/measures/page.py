"""The catalogue as a page: `python -m tests.measures.page` compares app/measures/CATALOGUE.md with the catalogue, `--write` brings it up to date."""

from collections.abc import Iterator
from pathlib import Path

from app.measures.catalogue import SECTIONS
from app.measures.domain import Measure
from tests.support.pages import compare_or_write, out_of_date

PAGE = Path(__file__).resolve().parents[2] / "app/measures/CATALOGUE.md"

_OPENING = """# The catalogue of measures

Generated from `app/measures/catalogue.py` by `python -m tests.measures.page --write`; a test compares the two.

A programme may name any of these by its code alone and then has a copy of its own. What a source could not confirm says
"to be confirmed"; so do, all of them, the six ambitions for palliative and end-of-life care under which measures are grouped.
A measure that is `import_only` is never returned by a subcontract. One that supersedes another is not thereby comparable with it.
"""


def text_of(sections: dict[str, tuple[Measure, ...]]) -> str:
    """The page: a table of all measures, then each in full."""
    lines = [_OPENING, "| code | name | kind | aggregation | better |", "|---|---|---|---|---|"]
    lines += [
        f"| {measure.code} | {measure.name} | {measure.kind} | {measure.aggregation} | {measure.direction} |"
        for section in sections.values()
        for measure in section
    ]
    for title, section in sections.items():
        lines += ["", f"## {title}"]
        for measure in section:
            lines += ["", f"### {measure.code}: {measure.name}", "", *(f"- {line}" for line in _said(measure))]
    return "\n".join(lines) + "\n"


def _said(measure: Measure) -> Iterator[str]:
    yield f"counted: {measure.numerator}"
    if measure.denominator is not None:
        yield f"{'out of' if measure.proportion else 'over'}: {measure.denominator}"
    yield f"for example: {measure.example}"
    if measure.from_month is not None or measure.to_month is not None:
        yield f"in force: {measure.from_month or 'ever before'} to {measure.to_month or 'its next version'}"
    statistic = f" ({measure.statistic})" if measure.statistic else ""
    yield (
        f"{measure.kind}, {measure.direction} is better" if measure.direction != "neutral" else f"{measure.kind}, neither is better"
    ) + f"; {measure.aggregation}{statistic} of {measure.numeric_kind} figures in {measure.unit}; {measure.basis} basis"
    yield f"split by: {', '.join(measure.split_by) or 'nothing'}" + "".join(
        f"; {one} within {two}" for one, two in measure.site_map.items()
    )
    if measure.breakdown is not None:
        yield f"by {measure.breakdown.code}: {', '.join(category.code for category in measure.breakdown.categories)}"
    if measure.ambition is not None:
        yield f"ambition: {measure.ambition}"
    if measure.supersedes:
        yield f"supersedes: {', '.join(f'{each.code} (version {each.version})' for each in measure.supersedes)}"
    if measure.disclosure == "as_published":
        yield "shown to the public as it is where the same cut and basis is published nationally"
    yield f"source: {measure.source}"


def faults() -> list[str]:
    return out_of_date(PAGE, text_of(SECTIONS), "tests.measures.page")


if __name__ == "__main__":
    raise SystemExit(compare_or_write(PAGE, text_of(SECTIONS), faults))
