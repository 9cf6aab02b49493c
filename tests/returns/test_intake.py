"""Reading submissions: what each kind of fault is called and where it stands, and what a valid one states."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.calendar.contract import Contract
from app.calendar.expected import CellKey
from app.kernel.identifiers import identifier_in, identifiers_in
from app.kernel.refusals import Fault
from app.returns.columns import CSV, XLSX
from app.returns.faults import EXPLANATION_CODES, FAULTS, MOST_FAULTS, REST_AFTER_A_VALUE, REST_OF_A_CENSUS, REST_STATES, fault
from app.returns.formats import read_sent
from app.returns.intake import MOST_CELLS, ReturnInvalid, read_submission
from app.returns.members import text_of
from app.returns.submission import digest
from app.web.intake import parse
from tests.make import contract
from tests.returns.programme import CWT, HOSPICE, MIXED, changes, cwt_body, hospice_body, mixed_body, owed, whole_contract

NHS_NUMBER = "943 476 5919"


@pytest.fixture(scope="module")
def whole() -> Contract:
    return whole_contract()


def faults_of(body: Any, whole: Contract, key: Any = MIXED) -> list[tuple[str, str]]:
    with pytest.raises(ReturnInvalid) as refused:
        read_submission(body, owed(key, whole))
    return [(fault.code, fault.pointer or "") for fault in refused.value.faults]


def replaced(at: int, **members: Any) -> dict[str, Any]:
    """The mixed return with members of one cell replaced; an ellipsis leaves one out."""
    body = mixed_body()
    cell = {**body["cells"][at], **members}
    body["cells"][at] = {name: value for name, value in cell.items() if value is not ...}
    return body


def added(**cell: Any) -> dict[str, Any]:
    body = mixed_body()
    return {**body, "cells": [*body["cells"], cell]}


RATIO, COUNT, STOCK, MEAN, RISK = 0, 2, 4, 5, 6
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown member of the return": ({**mixed_body(), "cell": []}, "unknown_member", "/cell"),
    "an unknown member of a cell": (replaced(COUNT, figure=1), "unknown_member", "/cells/2/figure"),
    "a ratio": (replaced(RATIO, value="0.75"), "ratio_not_accepted", "/cells/0/value"),
    "cells that are no list": ({"cells": {}, "rest": "not_collected", "rest_reason": "other"}, "wrong_type", "/cells"),
    "more cells than any return has": ({"cells": [{}] * (MOST_CELLS + 1)}, "too_many_cells", "/cells"),
    "a cell that is no object": ({"cells": [*mixed_body()["cells"], 3]}, "wrong_type", "/cells/8"),
    "a code that is no text": (replaced(RATIO, site=7), "wrong_type", "/cells/0/site"),
    "a code that is a list": (replaced(RATIO, site=["lung"]), "wrong_type", "/cells/0/site"),
    "a note that is no text": ({**mixed_body(), "note": 3}, "wrong_type", "/note"),
    "a note that is too long": ({**mixed_body(), "note": "x" * 2001}, "too_long", "/note"),
    "nil that is neither true nor false": ({**mixed_body(), "nil": 1}, "wrong_type", "/nil"),
    "no measure": (replaced(STOCK, measure=...), "missing", "/cells/4/measure"),
    "an unknown measure": (added(measure="CTW-62", numerator=1), "unknown_measure", "/cells/8/measure"),
    "a measure of another return": (added(measure="CWT-62", numerator=1), "unexpected_cell", "/cells/8/measure"),
    "an imported measure": (added(measure="M-IMPORT", numerator=1), "import_only", "/cells/8/measure"),
    "an unknown pathway": (replaced(STOCK, pathway="lnug"), "unknown_pathway", "/cells/4/pathway"),
    "an unknown segment": (replaced(STOCK, segment="tretament"), "unknown_segment", "/cells/4/segment"),
    "an unknown site": (replaced(RATIO, site="lnug"), "unknown_site", "/cells/0/site"),
    "an unknown commissioner": (replaced(RATIO, commissioner="05X"), "unknown_commissioner", "/cells/0/commissioner"),
    "an unknown category": (replaced(RATIO, category="urgent"), "unknown_category", "/cells/0/category"),
    "UNKNOWN where the measure has none": (added(measure="M-COUNT", site="UNKNOWN", numerator=1), "unknown_not_allowed", "/cells/8/site"),
    "a place that could be several": (replaced(COUNT, site=...), "place_missing", "/cells/2/site"),
    "a cell twice": (added(**mixed_body()["cells"][COUNT]), "duplicate_cell", "/cells/8"),
    "a place that the measure is not split by": (replaced(STOCK, pathway="cancer"), "unexpected_cell", "/cells/4/pathway"),
    "a site that the measure is not split by": (replaced(STOCK, site="lung"), "unexpected_cell", "/cells/4/site"),
    "all where the measure is split": (added(measure="M-COUNT", site="all", numerator=1), "unexpected_cell", "/cells/8/site"),
    "a site that is out of scope": (added(measure="M-COUNT", site="skin", numerator=1), "unexpected_cell", "/cells/8/site"),
    "a commissioner that is reported by its parts": (
        added(measure="M-RATIO", site="lung", commissioner="QNC", numerator=1, denominator=1),
        "unexpected_cell",
        "/cells/8/commissioner",
    ),
    "a parent beside its expected part": (added(measure="M-COUNT", site="urological", numerator=1), "parent_with_child", "/cells/8"),
    "an unknown state": (replaced(COUNT, state="missing"), "not_one_of", "/cells/2/state"),
    "not collected for no reason": (replaced(COUNT, state="not_collected", numerator=...), "reason_missing", "/cells/2/reason"),
    "not collected for a reason of its own": (
        replaced(COUNT, state="not_collected", numerator=..., reason="holiday"),
        "unknown_reason",
        "/cells/2/reason",
    ),
    "a value with a reason": (replaced(COUNT, reason="other"), "reason_unexpected", "/cells/2/reason"),
    "figures of what is not collected": (
        replaced(RATIO, state="not_collected", reason="other", numerator=...),
        "figures_unexpected",
        "/cells/0/denominator",
    ),
    "no numerator": (replaced(COUNT, numerator=...), "numerator_missing", "/cells/2/numerator"),
    "no denominator of a ratio": (replaced(RATIO, denominator=...), "denominator_missing", "/cells/0/denominator"),
    "no denominator of a mean": (replaced(MEAN, denominator=None), "denominator_missing", "/cells/5/denominator"),
    "a count beside a ratio": (replaced(RISK, denominator=None), "denominator_mixed", "/cells/6/denominator"),
    "a denominator of a count": (replaced(COUNT, denominator=9), "denominator_unexpected", "/cells/2/denominator"),
    "a denominator of a stock": (replaced(STOCK, denominator=9), "denominator_unexpected", "/cells/4/denominator"),
    "true": (replaced(COUNT, numerator=True), "not_a_number", "/cells/2/numerator"),
    "words": (replaced(COUNT, numerator="seven"), "not_a_number", "/cells/2/numerator"),
    "separators": (replaced(COUNT, numerator="1,234"), "not_a_number", "/cells/2/numerator"),
    "a percentage": (replaced(RATIO, numerator="85%"), "percentage", "/cells/0/numerator"),
    "below zero": (replaced(COUNT, numerator=-1), "negative", "/cells/2/numerator"),
    "eight digits": (replaced(COUNT, numerator=10_000_000), "too_large", "/cells/2/numerator"),
    "an exponent": (replaced(COUNT, numerator="1e999999"), "too_large", "/cells/2/numerator"),
    "a half of what is whole": (replaced(COUNT, numerator=Decimal("1.5")), "numeric_kind", "/cells/2/numerator"),
    "a third of what is halved": (replaced(RISK, numerator="0.3"), "numeric_kind", "/cells/6/numerator"),
    "a sliver that arithmetic would lose": (replaced(RISK, numerator="1e-999999999"), "numeric_kind", "/cells/6/numerator"),
    "too many places": (replaced(MEAN, numerator="0.1234567"), "numeric_kind", "/cells/5/numerator"),
    "a sliver that rounding would hide": (replaced(RISK, numerator="0." + "5" + "0" * 40 + "1"), "numeric_kind", "/cells/6/numerator"),
    "half a patient behind a mean": (replaced(MEAN, denominator=Decimal("2.5")), "numeric_kind", "/cells/5/denominator"),
    "a sum of values that nobody gave": (replaced(MEAN, denominator=0), "sum_of_none", "/cells/5/denominator"),
    "a numerator above its denominator": (replaced(RATIO, numerator=5), "numerator_above_denominator", "/cells/0/numerator"),
    "a missing cell": ({"cells": mixed_body()["cells"][1:]}, "cell_missing", "/cells"),
    "a measure without a value": ({"cells": mixed_body()["cells"][2:], "rest": "zero"}, "measure_missing", "/cells"),
    "a stock by rest": (
        {"cells": [cell for cell in mixed_body()["cells"] if cell["measure"] != "M-STOCK"], "rest": "zero"},
        "stock_by_rest",
        "/cells",
    ),
    "an unknown rest": ({**mixed_body(), "rest": "nought"}, "not_one_of", "/rest"),
    "a rest not collected for no reason": ({**mixed_body(), "rest": "not_collected"}, "missing", "/rest_reason"),
    "a rest not collected for a reason of its own": (
        {**mixed_body(), "rest": "not_collected", "rest_reason": "x"},
        "not_one_of",
        "/rest_reason",
    ),
    "a reason for zero": ({**mixed_body(), "rest": "zero", "rest_reason": "other"}, "rest_reason_unexpected", "/rest_reason"),
    "nil for no reason": ({"nil": True}, "missing", "/reason"),
    "nil for a reason of its own": ({"nil": True, "reason": "holiday"}, "not_one_of", "/reason"),
    "nil beside cells": ({"nil": True, "reason": "no_service", "cells": []}, "nil_with_cells", "/cells"),
    "a reason without nil": ({**mixed_body(), "reason": "no_service"}, "nil_reason_unexpected", "/reason"),
    "an explanation's code in words": (
        replaced(COUNT, explanation_code="second clinic", explanation="opened"),
        "not_a_code",
        "/cells/2/explanation_code",
    ),
    "an explanation that is too long": (replaced(COUNT, explanation="x" * 501), "too_long", "/cells/2/explanation"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_thing_wrong_is_one_fault(case: str, whole: Contract) -> None:
    body, code, pointer = CASES[case]
    found = faults_of(body, whole)
    # A cell whose place cannot be told leaves its expected cell missing as well.
    assert [fault for fault in found if fault[0] != "cell_missing" or code == "cell_missing"] == [(code, pointer)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**mixed_body(), "note": f"for {NHS_NUMBER}"}, "/note"),
        ({**mixed_body(), "cells": [*mixed_body()["cells"], {"measure": "9434765919"}]}, "/cells/8/measure"),
        (replaced(RATIO, site="943-476-5919"), "/cells/0/site"),
        (replaced(COUNT, explanation="patient 9434765919, see notes"), "/cells/2/explanation"),
        (replaced(COUNT, explanation_code="9434765919"), "/cells/2/explanation_code"),
        (replaced(COUNT, numerator=9434765919), "/cells/2/numerator"),
        (replaced(COUNT, numerator=NHS_NUMBER), "/cells/2/numerator"),
        (replaced(COUNT, state=NHS_NUMBER), "/cells/2/state"),
        (replaced(COUNT, **{NHS_NUMBER: 1}), "/cells/2"),
        (replaced(COUNT, patient=9434765919), "/cells/2/patient"),
        ({"nil": True, "reason": NHS_NUMBER}, "/reason"),
        ({**mixed_body(), "patient": {"seen": [{"number": NHS_NUMBER}]}}, "/patient"),
        ({**mixed_body(), "patient": [{NHS_NUMBER: None}]}, "/patient"),
        ({**mixed_body(), "note": [9434765919]}, "/note"),
        ({**mixed_body(), "nil": NHS_NUMBER}, "/nil"),
        ({**mixed_body(), "cells": {"lung": NHS_NUMBER}}, "/cells"),
        ({**mixed_body(), "cells": [*mixed_body()["cells"], [NHS_NUMBER]]}, "/cells/8"),
        (replaced(COUNT, patient=[NHS_NUMBER]), "/cells/2/patient"),
        (replaced(COUNT, numerator={"of": NHS_NUMBER}), "/cells/2/numerator"),
        ([NHS_NUMBER], ""),
    ],
)
def test_an_nhs_number_is_refused_and_not_repeated(body: Any, pointer: str, whole: Contract) -> None:
    with pytest.raises(ReturnInvalid) as refused:
        read_submission(body, owed(MIXED, whole))
    assert ("patient_identifier", pointer) in [(fault.code, fault.pointer) for fault in refused.value.faults]
    assert "4765" not in repr([refused.value.detail, refused.value.faults])


def test_an_nhs_number_where_nothing_should_be_is_named_with_what_should_not_be_there(whole: Contract) -> None:
    body = {**mixed_body(), "patient": NHS_NUMBER, "note": [NHS_NUMBER]}
    assert faults_of(body, whole) == [
        ("patient_identifier", "/note"),
        ("wrong_type", "/note"),
        ("patient_identifier", "/patient"),
        ("unknown_member", "/patient"),
    ]


def test_what_looks_like_an_nhs_number() -> None:
    for text in (
        "9434765919",
        "943 476 5919",
        "943-476-5919",
        "x9434765919y",
        "10 943 476 5919",
        "9 4 3 4 7 6 5 9 1 9",
        "".join(chr(0xFF10 + int(digit)) for digit in "9434765919"),
    ):
        assert identifier_in(text), text
    for text in ("", "9434765918", "94347659190", "2026-10-15 12:30", "see 12 of 40", "0" * 64):
        assert not identifier_in(text), text


def test_each_kind_of_identifier_in_a_text_is_named_at_once(whole: Contract) -> None:
    said = "MRN 1234567, born 12/03/1951, 943 476 5919"
    table = f'measure,numerator,explanation\nM-STOCK,12,"{said}"\n'.encode()
    with pytest.raises(ReturnInvalid) as in_body:
        read_submission(mixed_body() | {"note": said}, owed(MIXED, whole))
    assert list(in_body.value.faults) == [fault("patient_identifier", "/note", found=kind) for kind in identifiers_in(said)]
    in_table = read_sent(None, table, media_type=CSV, file_name=f"{said}.csv").faults
    assert [each.detail.partition(" It stands")[0] for each in in_table] == [kind.detail for kind in identifiers_in(said)] * 2
    assert len(identifiers_in(said)) == 3


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"no workbook", XLSX),
        (b"PK\x03\x04 and no more", XLSX),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", XLSX),
        (b"measure,numerator,Measure\nM-STOCK,12,\n", CSV),
        (b"measure,numerator,Date of birth\nM-STOCK,12,\n", CSV),
        (b'measure,numerator\nM-STOCK,"12\n', CSV),
    ],
)
def test_of_what_could_not_be_judged_no_end_of_faults_is_promised(content: bytes, kind: str) -> None:
    with pytest.raises(ReturnInvalid) as refused:
        read_sent(None, content, media_type=kind, file_name=None)
    assert refused.value.detail.endswith("nothing of it was kept; more may be found once this is put right.")


def test_the_end_of_faults_is_promised_where_everything_was_judged(whole: Contract) -> None:
    cells = mixed_body()["cells"]
    promised = {
        "named": {"cells": cells[1:]},
        "no list": {"cells": "none"},
        "no cell": {"cells": [*cells, 7]},
        "note": {"cells": cells, "note": 7},
        "nil beside cells that nobody looked at": {"cells": [{"measure": "NONE"}], "nil": True, "reason": "no_service"},
        "nil beside the rest": {"nil": True, "reason": "no_service", "rest": "zero"},
    }
    found = set()
    for case, body in promised.items():
        with pytest.raises(ReturnInvalid) as refused:
            read_submission(body, owed(MIXED, whole))
        found |= {case} if refused.value.detail.endswith("putting right all that is named makes it valid.") else set()
    assert found == {"named", "note"}


def test_what_may_be_a_count_or_a_ratio_is_one_throughout(whole: Contract) -> None:
    body = mixed_body()
    for cell in body["cells"][RISK:]:
        del cell["denominator"]
    counted = [cell for cell in read_submission(body, owed(MIXED, whole)).cells if cell.measure == "M-RISK"]
    assert [(cell.numerator, cell.denominator) for cell in counted] == [(Decimal(1), None), (Decimal(4), None)]
    body["cells"][RISK] |= {"state": "not_collected", "reason": "other", "numerator": None}
    body["cells"][RISK + 1]["denominator"] = 5
    read_submission(body, owed(MIXED, whole))
    body["cells"][RISK + 1]["denominator"] = "many"
    body["cells"][RISK] = {"measure": "M-RISK", "site": "lung", "numerator": 1, "denominator": 2}
    assert faults_of(body, whole) == [("not_a_number", f"/cells/{RISK + 1}/denominator")]


def test_a_warning_passes_by_any_code_not_only_by_the_usual_ones(whole: Contract) -> None:
    for code in (*EXPLANATION_CODES, "our-own.code_1", ""):
        cell = replaced(COUNT, explanation_code=code, explanation="opened")
        (stated,) = (each for each in read_submission(cell, owed(MIXED, whole)).cells if each.explanation)
        assert (stated.explanation_code, stated.explained) == (code, bool(code))


def test_every_fault_of_the_register_occurs() -> None:
    by_rules = {"at_most", "equals", "roll_forward", "rule_not_judged"}  # tests/returns/test_rules_relations.py
    assert {code for _, code, _ in CASES.values()} | {"patient_identifier"} | by_rules == set(FAULTS)


def test_faults_beyond_a_thousand_are_only_counted(whole: Contract) -> None:
    with pytest.raises(ReturnInvalid) as refused:
        read_submission({"cells": [{"measure": "none"}] * 1500}, owed(MIXED, whole))
    count = 1500 + len(owed(MIXED, whole).cells)
    assert refused.value.detail.startswith(f"The return has {count} faults")
    assert len(refused.value.faults) == MOST_FAULTS + 1
    assert refused.value.faults[-1].detail == f"There are {count - MOST_FAULTS} more faults."


class Counting(tuple[CellKey, ...]):
    """Cells that know how often they were gone through."""

    __slots__ = ()
    times = 0

    def __iter__(self) -> Iterator[CellKey]:
        Counting.times += 1
        return super().__iter__()


def test_however_many_lines_leave_a_place_out_the_cells_are_gone_through_as_often(whole: Contract) -> None:
    times = []
    for lines in (1, 200):
        expected = owed(MIXED, whole)
        Counting.times = 0
        with pytest.raises(ReturnInvalid) as refused:
            read_submission(
                {"cells": [{"measure": "M-RATIO", "numerator": 1, "denominator": 1}] * lines},
                replace(expected, cells=Counting(expected.cells)),
            )
        assert [fault.code for fault in refused.value.faults].count("place_missing") >= lines
        times.append(Counting.times)
    assert times[0] == times[1]


def test_everything_wrong_is_named_at_once(whole: Contract) -> None:
    body = mixed_body()
    body["cells"][RATIO] |= {"site": "lnug", "numerator": -1, "denominator": "85%"}
    body["cells"][COUNT] |= {"state": "not_collected"}
    body["note"] = 5
    found = set(faults_of(body, whole))
    assert found == {
        ("wrong_type", "/note"),
        ("unknown_site", "/cells/0/site"),
        ("negative", "/cells/0/numerator"),
        ("percentage", "/cells/0/denominator"),
        ("reason_missing", "/cells/2/reason"),
        ("figures_unexpected", "/cells/2/numerator"),
        ("cell_missing", "/cells"),
    }


def test_a_missing_cell_says_whether_the_rest_can_help(whole: Contract) -> None:
    cells = [cell for at, cell in enumerate(mixed_body()["cells"]) if at not in {RATIO, COUNT, COUNT + 1, STOCK}]
    with pytest.raises(ReturnInvalid) as refused:
        read_submission({"cells": cells}, owed(MIXED, whole))
    helped = {fault.detail.split()[4].rstrip(",)"): fault.fix for fault in refused.value.faults}
    assert helped == {
        code: FAULTS["cell_missing"][1].format(rest=rest)
        for code, rest in (
            ("M-COUNT", REST_AFTER_A_VALUE.format(measure="M-COUNT")),
            ("M-RATIO", REST_STATES),
            ("M-STOCK", REST_OF_A_CENSUS),
        )
    }


def test_faults_stand_in_the_order_of_their_places(whole: Contract) -> None:
    cells = [{**cell, "numerator": "n/a", "site": cell.get("site", "lung"), "figure": 1} for cell in mixed_body()["cells"]] * 2
    pointers = [pointer for _, pointer in faults_of({"cells": cells, "note": 3, "rest": "nought"}, whole)]
    assert pointers[-2:] == ["/note", "/rest"]
    numbers = [int(pointer.split("/")[2]) for pointer in pointers if pointer.count("/") > 1]
    assert numbers == sorted(numbers)
    assert numbers[-1] > 9


EVERY_PLACE: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "a segment of another pathway, where neither belongs": (
        replaced(STOCK, pathway="other", segment="mixed"),
        [("unexpected_cell", "/cells/4/pathway"), ("unknown_segment", "/cells/4/segment")],
    ),
    "a site and a commissioner where neither belongs": (
        replaced(STOCK, site="lung", commissioner="05W"),
        [("unexpected_cell", "/cells/4/commissioner"), ("unexpected_cell", "/cells/4/site")],
    ),
    "a site that is none, and a commissioner, where neither belongs": (
        replaced(STOCK, site="lnug", commissioner="05W"),
        [("unexpected_cell", "/cells/4/commissioner"), ("unknown_site", "/cells/4/site")],
    ),
    "a site that is none beside a pathway that the measure is not split by": (
        replaced(COUNT, site="lnug", pathway="cancer"),
        [("cell_missing", "/cells"), ("unexpected_cell", "/cells/2/pathway"), ("unknown_site", "/cells/2/site")],
    ),
    "a site that is left out beside what does not belong": (
        replaced(COUNT, site=..., commissioner="05W"),
        [("cell_missing", "/cells"), ("place_missing", "/cells/2/site"), ("unexpected_cell", "/cells/2/commissioner")],
    ),
    "a cell that is another's double once its site is left out": (
        added(measure="M-STOCK", site="lung", numerator=12),
        [("duplicate_cell", "/cells/8"), ("unexpected_cell", "/cells/8/site")],
    ),
    "the first of two such cells": (
        {"cells": [{"measure": "M-STOCK", "site": "lung", "numerator": 12}, *mixed_body()["cells"]]},
        [("duplicate_cell", "/cells/5"), ("unexpected_cell", "/cells/0/site")],
    ),
}


@pytest.mark.parametrize("case", EVERY_PLACE)
def test_every_wrong_place_of_a_cell_is_named_and_what_it_then_is(case: str, whole: Contract) -> None:
    body, wrong = EVERY_PLACE[case]
    assert sorted(faults_of(body, whole)) == wrong


@pytest.mark.parametrize(
    ("at", "members", "wrong"),
    [
        (RATIO, {"numerator": 5, "denominator": "3.5"}, [("numeric_kind", "denominator"), ("numerator_above_denominator", "numerator")]),
        (RATIO, {"numerator": "4.5", "denominator": 4}, [("numeric_kind", "numerator"), ("numerator_above_denominator", "numerator")]),
        (RATIO, {"numerator": 5, "denominator": -1}, [("negative", "denominator")]),
        (MEAN, {"numerator": "0.1234567", "denominator": 0}, [("numeric_kind", "numerator"), ("sum_of_none", "denominator")]),
    ],
)
def test_figures_are_compared_as_they_can_be_read(at: int, members: dict[str, Any], wrong: list[tuple[str, str]], whole: Contract) -> None:
    assert set(faults_of(replaced(at, **members), whole)) == {(code, f"/cells/{at}/{member}") for code, member in wrong}


def test_what_was_sent_is_never_repeated(whole: Contract) -> None:
    secret = "Zanzibar77"
    bodies: list[Any] = [
        {secret: secret},
        secret,
        *(
            replaced(RATIO, **{name: secret})
            for name in ("measure", "pathway", "segment", "site", "commissioner", "category", "state", "numerator")
        ),
        replaced(RATIO, state="not_collected", reason=secret),
        {"rest": secret, "rest_reason": secret, "nil": secret, "reason": secret, "cells": secret},
    ]
    for body in bodies:
        with pytest.raises(ReturnInvalid) as refused:
            read_submission(body, owed(MIXED, whole))
        assert secret not in repr([refused.value.detail, refused.value.faults])


def test_a_fault_names_both_places_and_the_wider_site() -> None:
    twice = {"measure": "CWT-FDS", "site": "lung", "commissioner": "05W", "numerator": 1, "denominator": 1}
    mapped = {"measure": "CWT-FDS", "site": "prostate", "commissioner": "05W", "numerator": 1, "denominator": 1}
    with pytest.raises(ReturnInvalid) as refused:
        read_submission(cwt_body(cells=[*cwt_body()["cells"], twice, mapped]), owed(CWT, contract()))
    duplicate, wider = refused.value.faults
    assert (duplicate.pointer, duplicate.detail) == ("/cells/2", "This is the same cell as /cells/0.")
    assert (wider.code, wider.pointer, wider.fix) == ("unexpected_cell", "/cells/3/site", "Report it within the site urological.")


def test_each_aggregation_states_its_figures(whole: Contract) -> None:
    stated = read_submission(mixed_body(), owed(MIXED, whole))
    assert [(cell.measure, cell.site, cell.numerator, cell.denominator) for cell in stated.cells] == [
        ("M-COUNT", "lung", 7, None),
        ("M-COUNT", "prostate", 8, None),
        ("M-MEAN", "all", Decimal("12.125"), 3),
        ("M-RATIO", "lung", 3, 4),
        ("M-RATIO", "prostate", 0, 0),
        ("M-RISK", "lung", 1, Decimal("2.5")),
        ("M-RISK", "prostate", 4, Decimal(4)),
        ("M-STOCK", "all", 12, None),
    ]
    assert {str(cell.numerator) for cell in stated.cells} >= {"8", "12.125"}
    assert not stated.warnings
    assert not stated.by_rest


def test_a_rest_of_zero_is_stated_and_marked() -> None:
    stated = read_submission(hospice_body(), owed(HOSPICE, contract()))
    assert [(cell.measure, cell.category, str(cell.numerator), str(cell.denominator), cell.by_rest) for cell in stated.cells] == [
        ("E-BEDOCC", "all", "214", "300", False),
        ("HOSP-WAIT", "0-1", "15", "None", False),
        ("HOSP-WAIT", "2-3", "0", "None", True),
        ("HOSP-WAIT", "4-up", "0", "None", True),
    ]
    assert [cell.category for cell in stated.by_rest] == ["2-3", "4-up"]


def test_a_rest_of_a_ratio_or_mean_is_nought_of_nought_and_of_a_risk_as_it_is_counted(whole: Contract) -> None:
    nought = Decimal(0)
    body: dict[str, Any] = {"rest": "zero", "cells": [cell for cell in mixed_body()["cells"] if cell.get("site") != "prostate"]}
    stated = read_submission(body, owed(MIXED, whole))
    by_rest = {cell.measure: (cell.numerator, cell.denominator) for cell in stated.cells if cell.by_rest}
    assert by_rest == {"M-RATIO": (nought, nought), "M-COUNT": (nought, None), "M-RISK": (nought, nought)}
    body["cells"][-1] = {"measure": "M-RISK", "site": "lung", "numerator": 4}
    counted = [cell for cell in read_submission(body, owed(MIXED, whole)).cells if cell.measure == "M-RISK"]
    assert [(cell.numerator, cell.denominator) for cell in counted] == [(Decimal(4), None), (nought, None)]


def test_a_rest_that_is_not_collected_carries_its_reason(whole: Contract) -> None:
    stated = read_submission({"rest": "not_collected", "rest_reason": "system_outage"}, owed(MIXED, whole))
    assert {(cell.state, cell.reason, cell.by_rest) for cell in stated.cells} == {("not_collected", "system_outage", True)}


def test_a_nil_return_states_not_applicable_everywhere(whole: Contract) -> None:
    stated = read_submission({"nil": True, "reason": "no_service", "note": "closed all month"}, owed(MIXED, whole))
    assert (stated.nil, stated.note) == (True, "closed all month")
    assert [cell.key for cell in stated.cells] == list(owed(MIXED, whole).cells)
    assert {(cell.state, cell.numerator, cell.by_rest) for cell in stated.cells} == {("not_applicable", None, False)}


def outside(**more: Any) -> dict[str, Any]:
    return added(**{"measure": "M-RATIO", "site": "lung", "commissioner": "05G", "numerator": 1, "denominator": 1, **more})


def test_an_unassigned_place_warns_until_it_is_explained(whole: Contract) -> None:
    stated = read_submission(outside(), owed(MIXED, whole))
    (warning,) = stated.warnings
    assert warning.code == "outside_assignment"
    assert warning.cell == CellKey("all", "all", "M-RATIO", "lung", "05G", "all")
    assert not stated.explained
    assert not read_submission(outside(explanation_code="visitor"), owed(MIXED, whole)).explained
    assert not read_submission(outside(explanation_code="visitor", explanation="  "), owed(MIXED, whole)).explained
    assert read_submission(outside(explanation_code="visitor", explanation="on holiday there"), owed(MIXED, whole)).explained


def test_unknown_is_accepted_where_allowed_and_neither_warns_nor_is_expected(whole: Contract) -> None:
    stated = read_submission(outside(commissioner="UNKNOWN"), owed(MIXED, whole))
    assert not stated.warnings
    assert len(stated.cells) == len(owed(MIXED, whole).cells) + 1
    assert read_submission(outside(commissioner="UNKNOWN", site="bladder"), owed(MIXED, whole)).warnings


def test_a_parent_and_its_part_outside_the_assignment() -> None:
    parent = {"measure": "CWT-62", "site": "urological", "commissioner": "05W", "category": "urgent", "numerator": 1, "denominator": 1}
    with pytest.raises(ReturnInvalid) as refused:
        read_submission(cwt_body(cells=[*cwt_body()["cells"], parent]), owed(CWT, contract()))
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [("parent_with_child", "/cells/2")]
    beside = {**parent, "site": "bladder"}
    assert read_submission(cwt_body(cells=[*cwt_body()["cells"], beside]), owed(CWT, contract())).warnings


def variants() -> Iterator[dict[str, Any]]:
    yield replaced(COUNT, numerator="7.00")
    yield replaced(COUNT, numerator=Decimal("7.0"))
    yield replaced(COUNT, state="value", reason=None)
    yield {**mixed_body(), "note": None, "nil": False, "rest": "zero"}
    yield {"cells": mixed_body()["cells"][::-1]}
    yield {"cells": [{"pathway": "all", "segment": "all", "category": "all", **cell} for cell in mixed_body()["cells"]]}


def test_the_same_content_has_one_digest_however_it_is_written(whole: Contract) -> None:
    expected = owed(MIXED, whole)
    one = digest(read_submission(mixed_body(), expected))
    assert {digest(read_submission(parse_again(body), expected)) for body in variants()} == {one}
    others = [
        replaced(COUNT, numerator=8),
        replaced(COUNT, explanation="x"),
        replaced(COUNT, explanation_code="x"),
        replaced(COUNT, state="not_collected", numerator=..., reason="other"),
        {**mixed_body(), "note": "x"},
    ]
    assert len({digest(read_submission(body, expected)) for body in others} | {one}) == len(others) + 1
    zero_by_rest = {"cells": [cell for cell in mixed_body()["cells"] if cell.get("denominator") != 0], "rest": "zero"}
    assert digest(read_submission(zero_by_rest, expected)) != one


def parse_again(body: dict[str, Any]) -> Any:
    return body


def test_a_collection_of_a_quarter_expects_its_months_together() -> None:
    stated = changes()
    stated["collections"][-1] |= {"every": "quarter"}
    assert owed(MIXED._replace(month=MIXED.month.plus(2)), contract(**stated)).cells
    assert parse(b"{}") == {}


def test_what_is_far_too_long_is_not_searched_from_end_to_end() -> None:
    faults: list[Fault] = []
    searched = "7 " * 5_000 + "943 476 5919"
    assert text_of({"note": searched}, "note", "", most=2000, faults=faults) is None
    assert [found.code for found in faults] == ["too_long"]
    assert text_of({"note": f"943 476 5919 {searched}"}, "note", "", most=2000, faults=faults) is None
    assert [found.code for found in faults] == ["too_long", "patient_identifier", "too_long"]
