"""A parsed submission against what its return expects: the content of a revision, or everything that is wrong with it at once."""

import re
from collections.abc import Iterable, Mapping
from itertools import permutations
from typing import Any, ClassVar, Final

from app.kernel.refusals import Fault, Invalid
from app.returns.cells import Unplaced, plain_cells, read_cell
from app.returns.expectation import ExpectedReturn
from app.returns.faults import NIL_REASONS, REASONS, Faults, fault, in_order
from app.returns.looking_back import NOTHING_EARLIER, Earlier, Stated
from app.returns.members import patients_in, text_of, unknown_members, word_of
from app.returns.rest import RESTS, Rest, complete
from app.returns.rules import judge
from app.returns.submission import Cell, CellWarning, Submission

LONGEST_NOTE: Final = 2000
MOST_CELLS: Final = 50_000
"""As many as a file may have rows: far more than any return expects."""
MOST_VALUES: Final = 13 * MOST_CELLS
"""Of JSON: so many cells, each with all of its members."""

_CELLS: Final = re.compile(r"/cells(/[0-9]+)?")
_BESIDE_NIL: Final = {"cells": "cells", "rest": "the rest", "rest_reason": "a reason of the rest"}
_MEMBERS: Final = frozenset({"cells", "rest", "rest_reason", "note", "nil", "reason"})


class ReturnInvalid(Invalid):
    """A submission that is not a complete and correct return: `errors` names everything, and nothing of it is kept."""

    code: ClassVar[str] = "return_invalid"
    title: ClassVar[str] = "The return is not complete and correct"
    beyond = 0
    """How many faults there are that are not named."""
    whole = False
    """Whether everything that was sent could be judged."""

    @property
    def named(self) -> list[Fault]:
        """The faults that are named, without the word that there are more."""
        return [fault for fault in self.faults if fault.code != "more"]


def invalid(faults: Iterable[Fault], *, beyond: int = 0, whole: bool = False) -> ReturnInvalid:
    """The refusal that names these faults, the first thousand of them if there are more, and counts those beyond.

    Only of what was judged as a `whole` and named in full it says that no further fault will be found.
    """
    found = faults if isinstance(faults, Faults) else Faults(faults)
    beyond += found.beyond
    count = len(found) + beyond
    more = [Fault("more", f"There are {beyond} more faults.", "Put these right and send it again.")] if beyond else []
    refused = ReturnInvalid(
        f"The return has {'one fault' if count == 1 else f'{count} faults'} and nothing of it was kept; "
        + ("putting right all that is named makes it valid." if whole and not beyond else "more may be found once this is put right."),
        faults=[*sorted(found, key=in_order), *more],
    )
    refused.beyond, refused.whole = beyond, whole
    return refused


def read_submission(body: Any, expected: ExpectedReturn, *, earlier: Earlier = NOTHING_EARLIER) -> Submission:
    """What a submission states, complete; ReturnInvalid with every fault where it is not valid.

    `earlier` is what was stated before, as far as the return's rules look at it.
    """
    faults = Faults()
    if not isinstance(body, dict):
        raise ReturnInvalid("The submission is not an object.", faults=[*patients_in(body, ""), fault("wrong_type", "", kind="an object")])
    faults += unknown_members(body, _MEMBERS, "")
    note = text_of(body, "note", "", most=LONGEST_NOTE, faults=faults) or ""
    nil = body.get("nil")
    if nil is not None and not isinstance(nil, bool):
        faults += [*patients_in(nil, "/nil"), fault("wrong_type", "/nil", kind="true or false")]
    submission = _read_nil(body, expected, note, earlier, faults) if nil is True else _read_cells(body, expected, note, earlier, faults)
    if faults:
        # What should be cells and is not cannot be judged before it is, nor what stands beside nil before one of the two is gone.
        raise invalid(faults, whole=not any(map(_leaves_unjudged, faults)))
    return submission


def _leaves_unjudged(found: Fault) -> bool:
    return found.code == "nil_with_cells" or (found.code == "wrong_type" and _CELLS.fullmatch(found.pointer or "") is not None)


def _read_nil(body: Mapping[str, Any], expected: ExpectedReturn, note: str, earlier: Earlier, faults: list[Fault]) -> Submission:
    faults.extend(fault("nil_with_cells", f"/{name}", what=what) for name, what in _BESIDE_NIL.items() if body.get(name) is not None)
    reason = _needed_word(body, "reason", NIL_REASONS, faults)
    cells = tuple(Cell(*key, "not_applicable", None, None, False, False, None, None, None) for key in expected.cells)
    warnings: tuple[CellWarning, ...] = ()
    if expected.has_rules:
        stated = Stated(expected, {cell[:6]: cell for cell in cells}, {}, frozenset(), earlier)
        warnings = judge(stated, refusing_only=bool(faults)).warnings
    return Submission(nil_reason=reason, note=note, cells=cells, warnings=warnings)


def _needed_word(body: Mapping[str, Any], name: str, words: tuple[str, ...], faults: list[Fault]) -> str | None:
    if body.get(name) is None:
        faults.append(fault("missing", f"/{name}", name=name))
    return word_of(body, name, "", words=words, faults=faults)


def _read_cells(body: Mapping[str, Any], expected: ExpectedReturn, note: str, earlier: Earlier, faults: list[Fault]) -> Submission:
    if body.get("reason") is not None:
        faults.append(fault("nil_reason_unexpected", "/reason"))
    rest, rest_reason = _read_rest(body, faults)
    stated = body.get("cells")
    if stated is None and rest is None:
        faults.append(fault("missing", "/cells", name="cells"))
    elif stated is not None and not isinstance(stated, list):
        faults += [*patients_in(stated, "/cells"), fault("wrong_type", "/cells", kind="an array")]
    lines = stated if isinstance(stated, list) else []
    if len(lines) > MOST_CELLS:
        raise invalid([*faults, fault("too_many_cells", "/cells", most=MOST_CELLS)])
    listed, positions, unplaced = _read_each(lines, expected, faults)
    faults += _double_counted(listed, positions, expected)
    faults += _counted_both_ways(lines, listed, positions, expected)
    with_value = {line.measure for line in unplaced if line.measure is not None and line.has_value}
    cells = [*listed.values(), *complete(expected, listed, rest=rest, rest_reason=rest_reason, with_value=with_value, faults=faults)]
    cells.sort()  # By place, which comes first in a cell: no two are of one place.
    warnings = tuple(CellWarning("outside_assignment", cell.key, cell.explained) for cell in cells if cell.outside_assignment)
    if expected.has_rules:
        named = {line.measure for line in unplaced if line.measure is not None}
        unknown = expected.measures.keys() if any(line.measure is None for line in unplaced) else named
        stated = Stated(expected, {cell[:6]: cell for cell in cells}, positions, frozenset(unknown), earlier, _doubted(lines, faults))
        judged = judge(stated, refusing_only=bool(faults))
        faults += judged.faults
        warnings += judged.warnings
    return Submission(nil_reason=None, note=note, cells=tuple(cells), warnings=warnings)


def _doubted(lines: list[Any], faults: Iterable[Fault]) -> frozenset[str]:
    """The measures of lines of which it is open whether they are kept."""
    open_ = (found.pointer or "" for found in faults if found.code in {"duplicate_cell", "parent_with_child", "figures_unexpected"})
    return frozenset(str(lines[int(pointer.split("/")[2])].get("measure")) for pointer in open_)


def _read_rest(body: Mapping[str, Any], faults: list[Fault]) -> tuple[Rest | None, str | None]:
    """The rest and its reason. One that cannot be read is looked at as if it were zero, so that what zero lacks is named too."""
    if body.get("rest") is None:
        rest: Rest | None = None
    else:
        rest = word_of(body, "rest", "", words=RESTS, faults=faults) or "zero"
    if rest == "not_collected":
        return rest, _needed_word(body, "rest_reason", REASONS, faults)
    if body.get("rest_reason") is not None:
        faults.append(fault("rest_reason_unexpected", "/rest_reason"))
    return rest, None


def _read_each(
    stated: list[Any], expected: ExpectedReturn, faults: list[Fault]
) -> tuple[dict[tuple[str, ...], Cell], dict[tuple[str, ...], int], list[Unplaced]]:
    """The cells that are listed, by place; the position of each in the list; and the lines whose place cannot be told."""
    plain = plain_cells(stated, expected)
    listed: dict[tuple[str, ...], Cell] = {cell[:6]: cell for cell in plain if cell is not None}
    positions: dict[tuple[str, ...], int] = {place: position for position, place in enumerate(listed)}
    unplaced: list[Unplaced] = []
    if len(listed) == len(stated):
        return listed, positions, unplaced
    listed, positions = {}, {}
    for position, raw in enumerate(stated):
        if not isinstance(raw, dict):
            faults += [*patients_in(raw, f"/cells/{position}"), fault("wrong_type", f"/cells/{position}", kind="an object")]
            unplaced.append(Unplaced(None, has_value=False))
            continue
        cell = plain[position] or read_cell(raw, expected, f"/cells/{position}", faults)
        if isinstance(cell, Cell):
            place = cell[:6]
            if listed.setdefault(place, cell) is cell:
                positions[place] = position
            else:
                faults.append(fault("duplicate_cell", f"/cells/{position}", first=f"/cells/{positions[place]}"))
        else:
            unplaced.append(cell)
    return listed, positions, unplaced


def _counted_both_ways(
    stated: list[Any], listed: Mapping[tuple[str, ...], Cell], positions: Mapping[tuple[str, ...], int], expected: ExpectedReturn
) -> list[Fault]:
    """A measure that may be a count or a ratio, and is both in one return: at each value without a denominator."""
    faults: list[Fault] = []
    for code in (code for code, measure in expected.measures.items() if measure.aggregation == "distinct_risk"):
        values = [positions[place] for place, cell in listed.items() if cell.measure == code and cell.state == "value"]
        without = [position for position in values if stated[position].get("denominator") is None]
        if len(without) < len(values):
            faults += [fault("denominator_mixed", f"/cells/{position}/denominator", measure=code) for position in without]
    return faults


def _double_counted(
    listed: Mapping[tuple[str, ...], Cell], positions: Mapping[tuple[str, ...], int], expected: ExpectedReturn
) -> list[Fault]:
    """A site and a part of it, both with figures of one measure: at each cell of the one to leave out.

    A site of the programme that is not expected here counts twice already by standing beside an expected one.
    """
    faults: list[Fault] = []
    if not expected.has_wider_sites:
        return faults
    for code, own in expected.sites_of.items():
        values = [cell for cell in listed.values() if cell.measure == code and cell.state == "value"]
        sites = {cell.site for cell in values}
        beyond = sites - own
        for child, parent in permutations(sorted(sites | own if beyond else sites), 2):
            if not ({child, parent} <= sites or {child, parent} & beyond) or not expected.is_within(child, parent):
                continue
            wrong = child if parent in own and child not in own else parent
            faults += [
                fault("parent_with_child", f"/cells/{positions[cell[:6]]}", measure=code, parent=parent, child=child)
                for cell in values
                if cell.site == wrong
            ]
    return faults
