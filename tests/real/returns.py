"""What a provider sends: its published cells as a return, and the corrections that lead to the final quarter."""

from collections.abc import Mapping
from typing import Any

from tests.real.documents import COMMISSIONER, PATHWAY, segment_of, split_of
from tests.real.published import ALL, NOTHING, QUARTER, QUARTER_MEASURE, England, Figures, Quarter, Row


def england_return(england: England, month: str, provider: str) -> dict[str, Any]:
    """Every published cell of a provider, whose patients are all of one commissioner; what has no row is zero."""
    return _return(england, {(COMMISSIONER, row): figures for row, figures in england.cells(month, provider).items()}, list(england.sites))


def national_return(england: England, month: str, measures: list[str]) -> dict[str, Any]:
    """Every published cell of every commissioner, and of the patients of whom nobody knows one."""
    cells = {(code, row): figures for code in england.organisations for row, figures in england.cells(month, code).items()}
    return _return(england, {cell: figures for cell, figures in cells.items() if cell[1].measure in measures}, measures)


def _return(england: England, cells: Mapping[tuple[str, Row], Figures], measures: list[str]) -> dict[str, Any]:
    """What is not among the cells is zero, which one 0/0 line a measure lets `rest` say."""
    lines = [_line(*cell, figures) for cell, figures in sorted(cells.items())]
    commissioner = next((code for code, _ in cells), COMMISSIONER)
    for measure in measures:
        if not any(row.measure == measure for _, row in cells):
            site = next(iter(england.sites[measure]), ALL)
            lines.append(_line(commissioner, Row("", "", measure, england.categories[measure][0], site), NOTHING))
    return {"rest": "zero", "cells": lines}


def _line(commissioner: str, row: Row, figures: Figures) -> dict[str, Any]:
    """A cell, with the places that its measure is split by."""
    places = {"pathway": PATHWAY, "segment": segment_of(row.measure), "site": row.site, "commissioner": commissioner}
    return {
        "measure": row.measure,
        **{place: places[place] for place in split_of(row.measure)},
        "category": row.category,
        "numerator": str(figures.numerator),
        "denominator": str(figures.denominator),
    }


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
