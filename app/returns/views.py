"""Returns as they are answered: plain values of the shapes in `schemas.py`.

A thousand cells as models would cost more than their insert; tests/returns/test_api.py holds each answer to its shape.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.calendar.deadlines import rule_words, working_days_late
from app.calendar.domain import DeadlineRule
from app.calendar.expected import CellKey, flags_of
from app.kernel.months import Month
from app.measures.domain import Measure
from app.returns.actions import Receipt
from app.returns.domain import ReturnState, stood_at
from app.returns.expectation import ExpectedReturn
from app.returns.plain_words import denominator_carried, names_of
from app.returns.read_actions import ReturnRead, Standing
from app.returns.reopening import Reopening, in_force
from app.returns.rules import words_of
from app.returns.signing import SignOff
from app.returns.store import Revision
from app.returns.submission import Cell, CellChange, CellWarning


def address(programme: str, collection: str, subcontract: str, month: Month) -> str:
    return f"/v1/programmes/{programme}/returns/{collection}/{subcontract}/{month}"


def _deadline(rule: DeadlineRule | None, month: Month, instant: datetime | None) -> dict[str, Any] | None:
    return None if rule is None else {"rule": rule_words(rule, month), "instant": instant}


def return_view(standing: Standing) -> dict[str, Any]:
    contract, key, state, received, deadlines = standing.contract, standing.key, standing.state, standing.received, standing.deadlines
    collection, agreement = contract.collection[key.collection], contract.subcontract[key.subcontract]
    organisation = contract.organisation.get(agreement.organisation)
    own = address(contract.programme.code, *key)
    first = deadlines.timeliness(received.first_at) if received else None
    rules = collection.deadlines_in(key.month)
    return {
        "programme": contract.programme.code,
        "collection": key.collection,
        "collection_name": collection.name,
        "subcontract": key.subcontract,
        "organisation": agreement.organisation,
        "organisation_name": organisation.name if organisation else agreement.organisation,
        "month": key.month,
        "status": state.status,
        "due": _deadline(rules.due, key.month, deadlines.due),
        "close": _deadline(rules.close, key.month, deadlines.close),
        "freeze": _deadline(rules.freeze, key.month, deadlines.freeze),
        "overdue": standing.is_overdue,
        "late": standing.is_overdue or first == "late",
        "closed": deadlines.is_closed(standing.moment),
        "frozen": deadlines.is_frozen(standing.moment),
        "latest_revision": state.latest_revision or None,
        "accepted_revision": state.accepted_revision,
        "timeliness": deadlines.timeliness(received.latest_at) if received else None,
        "timeliness_first": first,
        "working_days_late": working_days_late(deadlines.due, received.latest_at, contract.days) if received else None,
        "working_days_late_first": working_days_late(deadlines.due, received.first_at, contract.days) if received else None,
        "signed_off": standing.signed_off,
        **flags_of(contract, key)._asdict(),
        "contacts": [contact.model_dump() for contact in agreement.contacts] if standing.is_overdue else [],
        "links": {
            "self": own,
            "expected_cells": f"{own}/expected-cells.csv",
            "revisions": f"{own}/revisions",
            "guide": f"{own}/guide",
            "template_xlsx": f"{own}/template.xlsx",
            "template_csv": f"{own}/template.csv",
        },
    }


def detail_view(read: ReturnRead) -> dict[str, Any]:
    current, moment = None, read.standing.moment
    if read.current is not None:
        current = {"revision": read.standing.state.accepted_revision, "cells": [cell_view(cell) for cell in read.current]}
    return {
        **return_view(read.standing),
        "as_of": read.as_of,
        "measures": [measure_view(measure) for _, measure in sorted(read.expected.measures.items())],
        "expected_cells": [expected_cell_view(read.expected, cell) for cell in read.expected.cells],
        "current": current,
        "revisions": [
            {**revision_view(revision), "sign_off": _sign_off_view(read.sign_offs.get(revision.number))} for revision in read.revisions
        ],
        "sign_off": _sign_off_view(read.sign_offs.get(read.standing.state.latest_revision)),
        "reopening": _reopening_view(in_force(read.reopenings, moment)),
        "reopenings": [_reopening_view(each) for each in read.reopenings],
        "queries": {state.value: count for state, count in read.queries.items()},
        "stood": {
            kind: _stood_view(stood_at(read.states, getattr(read.standing.deadlines, kind), moment=moment))
            for kind in ("due", "close", "freeze")
        },
    }


def _sign_off_view(sign_off: SignOff | None) -> dict[str, Any] | None:
    return None if sign_off is None else {name: getattr(sign_off, name) for name in SignOff.__slots__}


def _reopening_view(reopening: Reopening | None) -> dict[str, Any] | None:
    return None if reopening is None else {name: getattr(reopening, name) for name in Reopening.__slots__}


def _stood_view(state: ReturnState | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {"status": state.status, "latest_revision": state.latest_revision or None, "accepted_revision": state.accepted_revision}


def measure_view(measure: Measure) -> dict[str, Any]:
    members = (
        "code",
        "version",
        "name",
        "numerator",
        "denominator",
        "kind",
        "direction",
        "numeric_kind",
        "aggregation",
        "proportion",
        "unit",
    )
    categories = measure.breakdown.categories if measure.breakdown else ()
    return {
        **{member: getattr(measure, member) for member in members},
        "breakdown": measure.breakdown.code if measure.breakdown else None,
        "categories": [{"code": each.code, "name": each.name, "upper": each.upper} for each in categories],
    }


def expected_cell_view(expected: ExpectedReturn, cell: CellKey) -> dict[str, Any]:
    measure = expected.measures[cell.measure]
    return {
        **cell._asdict(),
        **{f"{place}_name": name for place, name in names_of(expected, cell)._asdict().items()},
        "aggregation": measure.aggregation,
        "denominator_carried": denominator_carried(measure),
        "numeric_kind": measure.numeric_kind,
    }


def cell_view(cell: Cell) -> dict[str, Any]:
    return cell._asdict()


def _stated_view(cell: Cell | None) -> dict[str, Any] | None:
    return None if cell is None else dict(zip(Cell._fields[6:], cell[6:], strict=True))


def warning_view(warning: CellWarning) -> dict[str, Any]:
    detail, fix = words_of(warning)
    return {
        **warning.cell._asdict(),
        "code": warning.code,
        "rule": warning.rule,
        "severity": warning.severity,
        "detail": detail,
        "fix": "Nothing needs to be done." if warning.rule is not None and warning.severity == "info" else fix,
        "explained": warning.explained,
    }


def revision_view(revision: Revision) -> dict[str, Any]:
    return {
        "revision": revision.number,
        "nil": revision.nil_reason is not None,
        "nil_reason": revision.nil_reason,
        "note": revision.note,
        "cell_count": revision.cell_count,
        "warnings": [warning_view(warning) for warning in revision.warnings],
        "explained": revision.explained,
        "sha256": revision.submitted_sha256,
        "content_sha256": revision.content_sha256,
        "media_type": revision.media_type,
        "contract_recorded_at": revision.contract_recorded_at,
        "received_at": revision.recorded_at,
        "submitted_by": revision.recorded_by,
        "submitted_as": revision.submitted_as,
    }


def receipt_view(receipt: Receipt) -> dict[str, Any]:
    submission, deadlines = receipt.submission, receipt.deadlines
    own = address(receipt.programme, *receipt.key)
    links = {"return": own} if receipt.revision is None else {"return": own, "revision": f"{own}/revisions/{receipt.revision}"}
    return {
        "return": {"programme": receipt.programme, **receipt.key._asdict()},
        "revision": receipt.revision,
        "duplicate_of": receipt.duplicate_of,
        "outcome": "received_with_warnings" if submission.is_warned else "received",
        "status": receipt.state.status,
        "accepted_revision": receipt.state.accepted_revision,
        "warnings": [warning_view(warning) for warning in submission.warnings],
        "changes": _changes_view(receipt),
        "by_rest": [cell._asdict() for cell in submission.by_rest],
        "timeliness": deadlines.timeliness(receipt.latest_at),
        "timeliness_first": deadlines.timeliness(receipt.first_at),
        "sha256": receipt.submitted_sha256,
        "received_at": receipt.received_at,
        "submitted_by": receipt.submitted_by,
        "submitted_as": receipt.submitted_as,
        "links": links,
        "sent_sha256": receipt.sent_sha256,
    }


def _changes_view(receipt: Receipt) -> dict[str, Any] | None:
    return None if receipt.changes is None else {"since": receipt.since, **changed_view(receipt.changes)}


def changed_view(changes: Sequence[CellChange]) -> dict[str, Any]:
    """What two revisions state differently, counted and cell by cell."""
    return {
        "added": sum(change.before is None for change in changes),
        "changed": sum(change.before is not None and change.after is not None for change in changes),
        "removed": sum(change.after is None for change in changes),
        "cells": [
            {**change.key._asdict(), "before": _stated_view(change.before), "after": _stated_view(change.after)} for change in changes
        ],
    }
