"""Whatever is wrong with a submission: mending all that is named makes it valid, and what is valid is complete."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.calendar.expected import CellKey
from app.kernel.refusals import Fault
from app.returns.faults import words
from app.returns.intake import ReturnInvalid, read_submission
from app.returns.submission import digest
from tests.returns.programme import CWT, MIXED, mixed_body, owed

EXPECTED = owed(MIXED)
TRUST = owed(CWT)
WHOLE: dict[str, Any] = mixed_body()
MEMBERS = sorted({"pathway", "segment", "measure", "site", "commissioner", "category", "numerator", "denominator", "state", "reason"})
JUNK = st.sampled_from(
    [
        "",
        "lung",
        "M-RATIO",
        "all",
        "UNKNOWN",
        "05G",
        "urological",
        "not_collected",
        "other",
        "5%",
        "-1",
        "0.3",
        3,
        -2,
        True,
        [],
        {},
        Decimal("0.5"),
        10**9,
    ]
)
Change = tuple[str, int, str, Any]
CHANGES = st.lists(
    st.tuples(st.sampled_from(["replace", "leave_out", "drop", "repeat", "rest"]), st.integers(0, 7), st.sampled_from(MEMBERS), JUNK),
    max_size=6,
)


def broken(changes: list[Change]) -> tuple[dict[str, Any], list[int]]:
    """A return with things done to it, and which cell of the whole one each of its cells was."""
    body = deepcopy(WHOLE)
    origins = list(range(len(body["cells"])))
    for deed, position, member, junk in changes:
        at = position % (len(body["cells"]) or 1)
        if deed == "rest":
            body["rest"] = junk
        elif not body["cells"]:
            continue
        elif deed == "drop":
            del body["cells"][at], origins[at]
        elif deed == "repeat":
            body["cells"].append(dict(body["cells"][at]))
            origins.append(origins[at])
        elif deed == "leave_out":
            body["cells"][at].pop(member, None)
        else:
            body["cells"][at][member] = junk
    return body, origins


def whole_cell(key_words: str) -> dict[str, Any]:
    """The cell of the whole return that a fault names in words."""
    (key,) = (key for key in EXPECTED.cells if words(key) in key_words)
    return next(
        cell for cell in WHOLE["cells"] if all(getattr(key, name) == code for name, code in cell.items() if name in CellKey._fields)
    )


def is_there(cell: dict[str, Any], cells: list[dict[str, Any]]) -> bool:
    return any((cell["measure"], cell.get("site")) == (other.get("measure"), other.get("site") or cell.get("site")) for other in cells)


def mended(body: dict[str, Any], origins: list[int], faults: tuple[Fault, ...]) -> dict[str, Any]:
    """The return with every named thing put right, as a person would who has the right figures at hand."""
    cells = [dict(cell) for cell in body["cells"]]
    gone = {int((fault.pointer or "").split("/")[2]) for fault in faults if fault.code == "duplicate_cell"}
    absent = []
    for fault in faults:
        _, part, *rest = (fault.pointer or "").split("/")
        if fault.code in {"cell_missing", "stock_by_rest"}:
            absent.append(whole_cell(fault.detail))
        elif fault.code == "measure_missing":
            absent += [cell for cell in WHOLE["cells"] if f" {cell['measure']} " in fault.detail]
        elif part == "rest":
            body = {**body, "rest": "zero"}
        elif fault.code in {"duplicate_cell", "parent_with_child"} or len(rest) < 2:
            gone.add(int(rest[0]))
        else:
            at, member = int(rest[0]), rest[1]
            # Of two copies one is enough: the other is taken out rather than mended into a duplicate.
            if at in gone or (
                member in CellKey._fields and origins.count(origins[at]) > 1 + sum(origins[other] == origins[at] for other in gone)
            ):
                gone.add(at)
                continue
            right = WHOLE["cells"][origins[at]]
            cells[at] = right if member == "measure" else {**cells[at], member: right.get(member)}
            if member == "site" and cells[at]["site"] is None:
                del cells[at]["site"]
    kept = [cell for at, cell in enumerate(cells) if at not in gone]
    for cell in absent:
        if not is_there(cell, kept):
            kept.append(cell)
    return {**body, "cells": kept}


@settings(deadline=None, max_examples=400)
@given(CHANGES)
def test_a_valid_return_states_exactly_the_expected_cells_and_those_beyond(changes: list[Change]) -> None:
    body, _ = broken(changes)
    try:
        stated = read_submission(body, EXPECTED)
    except ReturnInvalid:
        return
    keys = [cell.key for cell in stated.cells]
    assert keys == sorted(set(keys))
    assert set(EXPECTED.cells) <= set(keys)
    for cell in stated.cells:
        beyond = cell.key not in EXPECTED.cells
        assert beyond == (cell.outside_assignment or "UNKNOWN" in cell.key)
        assert not (cell.by_rest and beyond)
        assert (cell.state == "value") == (cell.numerator is not None)
    assert {warning.cell for warning in stated.warnings} == {cell.key for cell in stated.cells if cell.outside_assignment}
    assert digest(stated) == digest(read_submission({**body, "cells": body["cells"][::-1]}, EXPECTED))


FIGURES = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: (min(pair), max(pair)))
LISTED = st.dictionaries(st.sampled_from(TRUST.cells), FIGURES, min_size=1)


def trust_body(listed: dict[CellKey, tuple[int, int]], rest: str | None) -> dict[str, Any]:
    cells = [{**key._asdict(), "numerator": figures[0], "denominator": figures[1]} for key, figures in listed.items()]
    return {"cells": cells, **({"rest": rest} if rest else {})}


@settings(deadline=None)
@given(LISTED, st.sampled_from([None, "zero"]))
def test_adding_what_is_named_as_missing_completes_a_return(listed: dict[CellKey, tuple[int, int]], rest: str | None) -> None:
    wanted = dict(listed)
    try:
        stated = read_submission(trust_body(listed, rest), TRUST)
    except ReturnInvalid as refused:
        for fault in refused.faults:
            if fault.code == "cell_missing":
                wanted |= {key: (0, 0) for key in TRUST.cells if words(key) in fault.detail}
            else:
                assert fault.code == "measure_missing"
                wanted |= {next(key for key in TRUST.cells if f" {key.measure} " in fault.detail): (0, 0)}
        stated = read_submission(trust_body(wanted, rest), TRUST)
    assert [cell.key for cell in stated.cells] == list(TRUST.cells)
    assert set(stated.by_rest) == set(TRUST.cells) - set(wanted)
    for cell in stated.cells:
        assert (cell.numerator, cell.denominator) == tuple(map(Decimal, wanted.get(cell.key, (0, 0))))


# Junk that cannot turn a cell into another valid one, so that what is right stays known.
WRONG = st.sampled_from(["5%", "-1", "lnug", 10**9, True, []])
DAMAGE = st.lists(
    st.one_of(
        st.tuples(st.just("replace"), st.integers(0, 7), st.sampled_from(["numerator", "denominator", "site", "measure", "state"]), WRONG),
        st.tuples(st.sampled_from(["drop", "repeat"]), st.integers(0, 7), st.just("site"), st.none()),
        st.tuples(st.just("rest"), st.just(0), st.just("site"), st.sampled_from(["nought", "zero", 7])),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=400)
@given(DAMAGE)
def test_mending_all_that_is_named_makes_a_return_valid(changes: list[Change]) -> None:
    body, origins = broken(changes)
    try:
        read_submission(body, EXPECTED)
    except ReturnInvalid as refused:
        read_submission(mended(body, origins, refused.faults), EXPECTED)
