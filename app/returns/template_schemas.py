"""The shapes in which what is due and how it is filled in are answered."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, duties_of_return, expected_cells
from app.kernel.figures import ExactDecimal
from app.kernel.months import Month
from app.measures.domain import Measure
from app.returns.domain import Deadlines
from app.returns.faults import EXPLANATION_CODES, REASONS
from app.returns.plain_words import (
    DenominatorCarried,
    Earlier,
    ToDo,
    counted_words,
    days_left,
    denominator_carried,
    month_of_last,
    period_words,
    to_do_words,
    when_due,
)
from app.returns.schemas import ExpectedCellView, MeasureView
from app.returns.submission import State
from app.returns.template_actions import Due, Guide, Owing
from app.returns.views import address, expected_cell_view, measure_view


class DueInWordsView(BaseModel):
    """When a return is due: by which rule, at which instant, and both as people say it."""

    rule: str
    instant: datetime
    words: str


class ForCommissionerView(BaseModel):
    """A population whose care a return is about."""

    ods_code: str
    name: str


class OwingView(BaseModel):
    """A return with which its subcontract has something to do.

    `to_do`: `overdue`; `open` for sending; `reopened` after its figures were fixed; `queried`: there is a question to answer; `unsigned`:
    somebody has to sign it off; `frozen` before anything came; `upcoming`: the next of its collection. `days_left` are days of London's calendar to the due instant, below zero after it.
    """

    collection: str
    collection_name: str
    month: Month
    period: str
    to_do: ToDo
    words: str
    due: DueInWordsView
    days_left: int
    cells: int
    measures: list[str]
    for_commissioners: list[ForCommissionerView]
    links: dict[str, str]


class DueView(BaseModel):
    """What a subcontract has to send, and for whom. `today` is the day in London that days are counted from."""

    programme: str
    programme_name: str
    prime: str
    prime_name: str
    subcontract: str
    organisation: str
    organisation_name: str
    as_of: datetime | None
    today: date
    due: list[OwingView]
    next: str | None


class GuideMeasureView(MeasureView):
    """What a measure counts, in words: definition, worked example, how finely, and whether a value carries a denominator."""

    example: str | None
    counted: str
    denominator_carried: DenominatorCarried
    may_be_left_to_zero: bool


class GuideCellView(ExpectedCellView):
    """A cell to state, with what was stated of it before.

    `last_…` is of the return before this one, whatever it states there; means are of the `mean_12_months_of` returns of the twelve
    months before that have a value.
    """

    last_state: State | None
    last_month_numerator: ExactDecimal | None
    last_month_denominator: ExactDecimal | None
    mean_12_months_numerator: ExactDecimal | None
    mean_12_months_denominator: ExactDecimal | None
    mean_12_months_of: int


class GuideView(BaseModel):
    """How a return is filled in; with the words that state why a cell has no figure, or why an unusual one is right (any other code may too)."""

    programme: str
    collection: str
    collection_name: str
    subcontract: str
    month: Month
    period: str
    as_of: datetime | None
    due: DueInWordsView
    last_month: Month
    measures: list[GuideMeasureView]
    cells: list[GuideCellView]
    links: dict[str, str]
    reasons: list[str]
    explanation_codes: list[str]


def _links(contract: Contract, key: ReturnKey) -> dict[str, str]:
    own = address(contract.programme.code, *key)
    return {
        "return": own,
        "guide": f"{own}/guide",
        "template_xlsx": f"{own}/template.xlsx",
        "template_csv": f"{own}/template.csv",
        "expected_cells": f"{own}/expected-cells.csv",
        "revisions": f"{own}/revisions",
    }


def _due(contract: Contract, key: ReturnKey, deadlines: Deadlines) -> dict[str, Any]:
    rule, words = when_due(contract, key, deadlines)
    return {"rule": rule, "instant": deadlines.due, "words": words}


def _name(contract: Contract, ods_code: str) -> str:
    organisation = contract.organisation.get(ods_code)
    return organisation.name if organisation else ods_code


def due_view(due: Due, subcontract: str, owing: Sequence[Owing], *, as_of: datetime | None, following: str | None) -> dict[str, Any]:
    contract, programme = due.contract, due.contract.programme
    organisation = contract.subcontract[subcontract].organisation
    return {
        "programme": programme.code,
        "programme_name": programme.name,
        "prime": programme.prime,
        "prime_name": _name(contract, programme.prime),
        "subcontract": subcontract,
        "organisation": organisation,
        "organisation_name": _name(contract, organisation),
        "as_of": as_of,
        "today": due.today.isoformat(),
        "due": [_owing_view(due, each) for each in owing],
        "next": following,
    }


def _owing_view(due: Due, owing: Owing) -> dict[str, Any]:
    contract, key = due.contract, owing.key
    collection, cells = contract.collection[key.collection], expected_cells(contract, key)
    measures = {code: contract.measure(code, key.month) for code in sorted({cell.measure for cell in cells})}
    populations = {duty.assignment.commissioner for duty in duties_of_return(contract, key)}
    return {
        "collection": key.collection,
        "collection_name": collection.name,
        "month": key.month,
        "period": period_words(collection, key.month),
        "to_do": owing.to_do,
        "words": to_do_words(contract, key, owing.deadlines, owing.to_do, stood=owing.stood, moment=due.moment),
        "due": _due(contract, key, owing.deadlines),
        "days_left": days_left(owing.deadlines.due, due.moment),
        "cells": len(cells),
        "measures": [measure.name if measure else code for code, measure in measures.items()],
        "for_commissioners": [
            {"ods_code": code, "name": contract.commissioner[code].name} for code in sorted(populations & contract.commissioner.keys())
        ],
        "links": _links(contract, key),
    }


def guide_view(guide: Guide) -> dict[str, Any]:
    expected, contract, key = guide.expected, guide.expected.contract, guide.expected.key
    collection = contract.collection[key.collection]
    return {
        "programme": contract.programme.code,
        **key._asdict(),
        "collection_name": collection.name,
        "period": period_words(collection, key.month),
        "as_of": guide.as_of,
        "due": _due(contract, key, guide.deadlines),
        "last_month": month_of_last(expected),
        "measures": [_measure_view(measure) for _, measure in sorted(expected.measures.items())],
        "cells": [expected_cell_view(expected, cell) | _earlier_view(guide.earlier[cell]) for cell in expected.cells],
        "links": _links(contract, key),
        "reasons": list(REASONS),
        "explanation_codes": list(EXPLANATION_CODES),
    }


def _measure_view(measure: Measure) -> dict[str, Any]:
    return measure_view(measure) | {
        "example": measure.example,
        "counted": counted_words(measure),
        "denominator_carried": denominator_carried(measure),
        "may_be_left_to_zero": measure.aggregation != "stock_last",
    }


def _earlier_view(earlier: Earlier) -> dict[str, Any]:
    return {
        "last_state": earlier.last.state if earlier.last else None,
        "last_month_numerator": earlier.last.numerator if earlier.last else None,
        "last_month_denominator": earlier.last.denominator if earlier.last else None,
        "mean_12_months_numerator": earlier.mean_numerator,
        "mean_12_months_denominator": earlier.mean_denominator,
        "mean_12_months_of": earlier.mean_of,
    }
