"""Where a cell of a submission stands: every place and category, those left out told by the rest of it."""

from collections.abc import Mapping
from typing import Any, Final, cast

from app.calendar.expected import CellKey
from app.kernel.codes import ALL, UNKNOWN
from app.kernel.refusals import Fault
from app.measures.domain import Measure
from app.returns.expectation import ExpectedReturn, base_of
from app.returns.faults import fault
from app.returns.members import LONGEST_CODE, text_of

PLACES: Final = CellKey._fields

_NOT_THERE: Final = "Use the places that expected-cells.csv lists, or leave the cell out."


def place_of(raw: Mapping[str, Any], expected: ExpectedReturn, pointer: str, faults: list[Fault]) -> tuple[CellKey | None, Measure | None]:
    """Where a cell stands, and its measure; None (and why, in `faults`) where that cannot be told or is not expected."""
    # A place left out is most often one that the measure is not split by: told without looking at every expected cell.
    whole = tuple([ALL if (code := raw.get(place)) is None else code for place in PLACES])
    try:
        measure = expected.measure_of.get(cast("tuple[str, ...]", whole))
    except TypeError:  # a list or an object stands for a code
        measure = None
    if measure is not None:
        return CellKey(*cast("tuple[str, ...]", whole)), measure
    before = len(faults)
    stated = {place: text for place in PLACES if (text := text_of(raw, place, pointer, most=LONGEST_CODE, faults=faults)) is not None}
    measure = _measure_of(raw, stated, expected, pointer, faults)
    _unknown_codes(stated, measure, expected, pointer, faults)
    if measure is None or len(faults) > before:
        return None, measure
    key = _completed(stated, measure, expected, pointer, faults)
    return (key if key is not None and _may_stand(key, measure, expected, pointer, faults) else None), measure


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


def _unknown_codes(stated: Mapping[str, str], measure: Measure | None, expected: ExpectedReturn, pointer: str, faults: list[Fault]) -> None:
    contract = expected.contract
    within = stated.get("pathway")
    segments = {code for pathway, code in contract.segment if within == pathway or within not in contract.pathway}
    known = {"pathway": contract.pathway, "segment": segments, "site": contract.site, "commissioner": contract.commissioner}
    for place, codes in known.items():
        code = stated.get(place, ALL)
        if code == UNKNOWN:
            if measure is not None and (place not in measure.unknown or place not in measure.split_by):
                faults.append(fault("unknown_not_allowed", f"{pointer}/{place}", measure=measure.code, place=place))
        elif code != ALL and code not in codes:
            faults.append(fault(f"unknown_{place}", f"{pointer}/{place}"))
    if measure is not None and stated.get("category") not in {None, *measure.category_codes}:
        codes_of = ", ".join(measure.category_codes)
        faults.append(fault("unknown_category", f"{pointer}/category", measure=measure.code, codes=codes_of))


def _completed(stated: dict[str, str], measure: Measure, expected: ExpectedReturn, pointer: str, faults: list[Fault]) -> CellKey | None:
    """The stated places, and those left out where they can only be one thing."""
    # Of a cell that is not expected, what was left out is told by the rest of it, its own site and commissioner aside.
    own = {place: code for place, code in stated.items() if place not in {"site", "commissioner"}}
    possible = expected.choices(stated) or expected.choices(own)
    if possible is None:
        _not_collected_there(stated, measure, pointer, faults)
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


def _not_collected_there(stated: Mapping[str, str], measure: Measure, pointer: str, faults: list[Fault]) -> None:
    """A pathway or segment that the measure is not split by, or one in which this return does not have it."""
    beyond = [place for place in ("pathway", "segment") if place not in measure.split_by and stated.get(place, ALL) != ALL]
    for place in beyond:
        why = f"{measure.code} is not split by {place}"
        faults.append(fault("unexpected_cell", f"{pointer}/{place}", why=why, fix=f"Leave the {place} out."))
    if not beyond:
        faults.append(fault("unexpected_cell", pointer, why=f"{measure.code} is not collected there", fix=_NOT_THERE))


def _may_stand(key: CellKey, measure: Measure, expected: ExpectedReturn, pointer: str, faults: list[Fault]) -> bool:
    """Whether a cell is expected, or is of a site and commissioner that only warn."""
    if key in expected.measure_of:
        return True
    before = len(faults)
    if base_of(key) not in expected.places_of:
        _not_collected_there(key._asdict(), measure, pointer, faults)
    for place, refused in (
        ("site", expected.refuses_site(measure, key.site)),
        ("commissioner", expected.refuses_commissioner(measure, key.commissioner)),
    ):
        if refused is not None:
            faults.append(fault("unexpected_cell", f"{pointer}/{place}", why=refused[0], fix=refused[1]))
    return len(faults) == before
