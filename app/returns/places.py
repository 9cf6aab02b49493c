"""Where a cell of a submission stands: every place and category, those left out told by the rest of it."""

from collections.abc import Mapping
from typing import Any, Final

from app.calendar.expected import CellKey
from app.kernel.codes import ALL, UNKNOWN
from app.kernel.refusals import Fault
from app.measures.domain import Measure
from app.returns.expectation import ExpectedReturn
from app.returns.faults import OF_THE_CONTRACT, fault
from app.returns.members import LONGEST_CODE, text_of

PLACES: Final = CellKey._fields

_NOT_THERE: Final = "Use the places that expected-cells.csv lists, or leave the cell out."


def place_of(raw: Mapping[str, Any], expected: ExpectedReturn, pointer: str, faults: list[Fault]) -> tuple[CellKey | None, Measure | None]:
    """Where a cell stands, and its measure; None where that cannot be told or is not expected. Every wrong place goes to `faults`."""
    # A place left out is most often one that the measure is not split by: told without looking at every expected cell.
    whole: tuple[Any, ...] = tuple([ALL if (code := raw.get(place)) is None else code for place in PLACES])
    try:
        measure = expected.measure_of.get(whole)
    except TypeError:  # a list or an object stands for a code
        measure = None
    if measure is not None:
        return CellKey(*whole), measure
    stated = {place: text for place in PLACES if (text := text_of(raw, place, pointer, most=LONGEST_CODE, faults=faults)) is not None}
    unread = {place for place in PLACES if raw.get(place) is not None and place not in stated}
    measure = _measure_of(raw, stated, expected, pointer, faults)
    unknown = _unknown_codes(stated, measure, expected, pointer, faults)
    if measure is None:
        return None, None
    beyond = {place for place, code in stated.items() if code != ALL and place != "measure" and not _is_split_by(measure, place)}
    for place in sorted(beyond - unknown, key=PLACES.index):
        why = f"{measure.code} is not split by {place}"
        faults.append(fault("unexpected_cell", f"{pointer}/{place}", why=why, fix=f"Leave the {place} out."))
    # What the measure is not split by is only to be left out: the cell stands where it then stands.
    stated = {place: code for place, code in stated.items() if place not in beyond}
    wrong = unread | (unknown - beyond)
    right = {place: code for place, code in stated.items() if place not in wrong}
    refused = _refused(right, measure, expected, pointer, faults)
    return _completed(right, measure, expected, pointer, faults, is_wrong=bool(wrong | refused)), measure


def _is_split_by(measure: Measure, place: str) -> bool:
    return measure.breakdown is not None if place == "category" else place in measure.split_by


def _measure_of(
    raw: Mapping[str, Any], stated: Mapping[str, str], expected: ExpectedReturn, pointer: str, faults: list[Fault]
) -> Measure | None:
    code = stated.get("measure")
    if code is None:
        if raw.get("measure") is None:
            faults.append(fault("missing", f"{pointer}/measure", name="measure"))
        return None
    if code in expected.measures:
        return expected.measures[code]
    known = expected.contract.measure(code, expected.key.month)
    codes = ", ".join(sorted(expected.measures))
    if known is None:
        faults.append(fault("unknown_measure", f"{pointer}/measure", codes=codes))
    elif known.aggregation == "import_only":
        faults.append(fault("import_only", f"{pointer}/measure", measure=code))
    else:
        why, fix = f"{code} is not part of it", f"This return's measures are: {codes}."
        faults.append(fault("unexpected_cell", f"{pointer}/measure", why=why, fix=fix))
    return None


def _unknown_codes(
    stated: Mapping[str, str], measure: Measure | None, expected: ExpectedReturn, pointer: str, faults: list[Fault]
) -> set[str]:
    """The places whose code the contract does not have, or that cannot be UNKNOWN."""
    contract = expected.contract
    within = stated.get("pathway")
    segments = {code for pathway, code in contract.segment if within == pathway or within not in contract.pathway}
    known = {"pathway": contract.pathway, "segment": segments, "site": contract.site, "commissioner": contract.commissioner}
    wrong = set()
    for place, codes in known.items():
        code = stated.get(place, ALL)
        if code == UNKNOWN:
            if measure is not None and _is_split_by(measure, place) and place not in measure.unknown:
                wrong.add(place)
                faults.append(fault("unknown_not_allowed", f"{pointer}/{place}", measure=measure.code, place=place))
        elif code != ALL and code not in codes:
            wrong.add(place)
            is_beyond = measure is not None and not _is_split_by(measure, place)
            fix = f"Leave the {place} out: {measure.code} is not split by it." if measure is not None and is_beyond else OF_THE_CONTRACT
            faults.append(fault(f"unknown_{place}", f"{pointer}/{place}", fix=fix))
    if measure is not None and stated.get("category") not in {None, *measure.category_codes}:
        wrong.add("category")
        codes_of = ", ".join(measure.category_codes)
        faults.append(fault("unknown_category", f"{pointer}/category", measure=measure.code, codes=codes_of))
    return wrong


def _refused(stated: Mapping[str, str], measure: Measure, expected: ExpectedReturn, pointer: str, faults: list[Fault]) -> set[str]:
    """A site or commissioner at which the measure is not reported, whatever else is stated."""
    wrong = set()
    for place, refuses in (("site", expected.refuses_site), ("commissioner", expected.refuses_commissioner)):
        refused = refuses(measure, stated[place]) if place in stated else None
        if refused is not None:
            wrong.add(place)
            faults.append(fault("unexpected_cell", f"{pointer}/{place}", why=refused[0], fix=refused[1]))
    return wrong


def _completed(
    stated: Mapping[str, str], measure: Measure, expected: ExpectedReturn, pointer: str, faults: list[Fault], *, is_wrong: bool
) -> CellKey | None:
    """The stated places, and those left out where they can only be one thing; None where that cannot be told, or a place `is_wrong`."""
    # Of a cell that is not expected, what was left out is told by the rest of it, its own site and commissioner aside.
    own = {place: code for place, code in stated.items() if place not in {"site", "commissioner"}}
    possible = expected.choices(stated) or expected.choices(own)
    if possible is None:
        faults.append(fault("unexpected_cell", pointer, why=f"{measure.code} is not collected there", fix=_NOT_THERE))
        return None
    if is_wrong:
        # What is left out may be told by what is put right.
        return None
    completed = dict(stated)
    for place in PLACES:
        if place in stated:
            continue
        codes = possible[place]
        if len(codes) == 1:
            completed[place] = codes[0]
        else:
            faults.append(fault("place_missing", f"{pointer}/{place}", place=place, codes=", ".join(codes)))
    return CellKey(*(completed[place] for place in PLACES)) if len(completed) == len(PLACES) else None
