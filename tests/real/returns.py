"""What a provider sends: its published cells as a return, and the corrections that lead to the final quarter."""

from typing import Any

from tests.real.documents import BREAKDOWNS, COMMISSIONER, PATHWAY, SEGMENTS, SPLIT_BY
from tests.real.published import NOTHING, QUARTER, QUARTER_MEASURE, England, Figures, Quarter, Row


def england_return(england: England, month: str, provider: str) -> dict[str, Any]:
    """Every published cell; what has no row is zero, which one 0/0 line a measure lets `rest` say."""
    cells = england.cells(month, provider)
    lines = [_line(row, figures) for row, figures in sorted(cells.items())]
    for measure in sorted(SEGMENTS):
        if not any(row.measure == measure for row in cells):
            category = next(iter(england.categories[measure]), "all")
            lines.append(_line(Row(month, provider, measure, category, england.sites[measure][0]), NOTHING))
    return {"rest": "zero", "cells": lines}


def _line(row: Row, figures: Figures) -> dict[str, Any]:
    line = {
        "pathway": PATHWAY,
        "segment": SEGMENTS[row.measure],
        "measure": row.measure,
        "site": row.site,
        "commissioner": COMMISSIONER,
        "category": row.category,
        "numerator": str(figures.numerator),
        "denominator": str(figures.denominator),
    }
    if row.measure in SPLIT_BY:
        del line["pathway"]
    if row.measure not in BREAKDOWNS:
        del line["category"]
    return line


def quarter_return(by_setting: dict[str, Figures]) -> dict[str, Any]:
    """Every care setting in a line of its own, zero or not."""
    cells = [
        {
            "measure": QUARTER_MEASURE,
            "category": setting,
            "numerator": str(figures.numerator),
            "denominator": str(figures.denominator),
        }
        for setting, figures in sorted(by_setting.items())
    ]
    return {"cells": cells}


def as_submitted(quarter: Quarter, month: str, provider: str) -> dict[str, Figures]:
    """A provider's month as first published; nothing published is zero."""
    return {setting: quarter.of(month, provider, setting) for setting in quarter.settings}


def corrections(quarter: Quarter) -> dict[tuple[str, str], dict[str, Figures]]:
    """The returns to send again, by month and provider: each difference of the quarter stands in the latest month that can hold it."""
    corrected: dict[tuple[str, str], dict[str, Figures]] = {}
    for provider in quarter.providers:
        for setting in quarter.settings:
            difference = quarter.final.get((provider, setting), NOTHING)
            for month in QUARTER:
                difference = difference.minus(quarter.of(month, provider, setting))
            if difference == NOTHING:
                continue
            month = next(
                month
                for month in reversed(QUARTER)
                if quarter.has_row(month, provider) and quarter.of(month, provider, setting).plus(difference).possible
            )
            cells = corrected.setdefault((month, provider), as_submitted(quarter, month, provider))
            cells[setting] = cells[setting].plus(difference)
    return corrected
