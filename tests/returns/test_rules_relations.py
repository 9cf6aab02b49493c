"""Rules that compare figures with others: of the same return, of another one, of the month before, and of the plan; each just at its limit."""

from copy import deepcopy
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey
from app.kernel.refusals import Fault
from app.returns.intake import ReturnInvalid, read_submission
from app.returns.looking_back import Earlier, Needed, needed_of
from tests.make import contract
from tests.returns.programme import mixed_body, owed, whole_document
from tests.returns.ruled import BEDS, EXPLAINED, MONTH, WAIT, before, hospice, key_of, read, said, with_rules

RATIO_LUNG, _, COUNT_LUNG, COUNT_PROSTATE, STOCK, MEAN, RISK_LUNG, _ = range(8)
WITHIN: Final[dict[str, Any]] = {
    "code": "seen-of-all",
    "kind": "at_most",
    "part": "denominator",
    "sum_of": [{"measure": "M-COUNT"}],
}
TOTAL: Final[dict[str, Any]] = {"code": "total", "kind": "equals", "sum_of": [{"measure": "M-COUNT"}]}
FORWARD: Final[dict[str, Any]] = {
    "code": "forward",
    "kind": "roll_forward",
    "severity": "reject",
    "added": [{"measure": "M-COUNT"}],
    "removed": [{"measure": "M-MEAN", "part": "denominator"}],
}


def mixed(*figures: tuple[int, Any, Any]) -> dict[str, Any]:
    """The mixed return with other figures at these positions: (position, numerator, denominator)."""
    body = mixed_body()
    for position, numerator, denominator in figures:
        body["cells"][position] |= {"numerator": numerator} | ({} if denominator is None else {"denominator": denominator})
    return body


def refused(within: Contract, body: dict[str, Any], *, collection: str = "mixed", earlier: Earlier | None = None) -> list[Fault]:
    try:
        read(within, body, collection=collection, earlier=earlier)
    except ReturnInvalid as refusal:
        return list(refusal.faults)
    return []


@pytest.mark.parametrize(
    ("rule", "figures", "at"),
    [
        # Of 7 at lung and 8 at prostate.
        ({}, [(RATIO_LUNG, 3, 7)], None),
        ({}, [(RATIO_LUNG, 3, 8)], f"/cells/{RATIO_LUNG}/denominator"),
        ({"by": []}, [(RATIO_LUNG, 3, 15)], None),
        ({"by": []}, [(RATIO_LUNG, 3, 16)], f"/cells/{RATIO_LUNG}/denominator"),
        ({"part": "numerator"}, [(RATIO_LUNG, 7, 8)], None),
        ({"part": "numerator"}, [(RATIO_LUNG, 8, 8)], f"/cells/{RATIO_LUNG}/numerator"),
        ({"sum_of": [{"measure": "M-COUNT"}, {"measure": "M-RISK"}]}, [(RATIO_LUNG, 3, 8)], None),
        ({"sum_of": [{"measure": "M-COUNT"}, {"measure": "M-RISK"}]}, [(RATIO_LUNG, 3, 9)], f"/cells/{RATIO_LUNG}/denominator"),
    ],
)
def test_a_figure_is_at_most_the_sum_of_others(rule: dict[str, Any], figures: list[tuple[int, Any, Any]], at: str | None) -> None:
    within = with_rules({"M-RATIO": [{**WITHIN, **rule}]})
    assert [(fault.code, fault.pointer) for fault in refused(within, mixed(*figures))] == ([] if at is None else [("at_most", at)])


@pytest.mark.parametrize(
    ("line", "judged"),
    [
        ({"measure": "M-MEAN", "numerator": 1, "denominator": 1, "site": "lnug", "commissioner": "lnug"}, True),
        ({"measure": "M-RISK", "site": "lnug", "numerator": 1}, True),
        ({"measure": "M-COUNT", "site": "lnug", "numerator": 1}, False),
        ({"measure": "M-CUONT", "numerator": 1}, False),
        (3, False),
    ],
)
def test_what_the_rest_states_is_judged_unless_a_line_without_a_place_may_have_been_to_say_it(line: Any, *, judged: bool) -> None:
    within = with_rules({"M-RATIO": [WITHIN]})
    body = mixed_body()
    del body["cells"][COUNT_PROSTATE]
    body["cells"][1] |= {"numerator": 3, "denominator": 4}
    found = refused(within, {"rest": "zero", "cells": [*body["cells"], line]})
    assert ("at_most" in {fault.code for fault in found}) == judged
    assert len(found) > judged


def test_the_fault_says_which_figures_and_never_what_was_sent() -> None:
    within = with_rules({"M-RATIO": [{**WITHIN, "why": "Who was seen is part of who came."}]})
    (fault,) = refused(within, mixed((RATIO_LUNG, 3, 8)))
    assert fault.detail == (
        "The denominator of M-RATIO (site lung) is more than the numerator of M-COUNT (rule seen-of-all). Who was seen is part of who came."
    )


@pytest.mark.parametrize(
    ("rule", "stock", "holds"),
    [({}, 15, True), ({}, 14, False), ({}, 16, False), ({"tolerance": 1}, 16, True), ({"tolerance": 1}, 17, False)],
)
def test_a_total_is_the_sum_of_its_parts(rule: dict[str, Any], stock: int, holds: bool) -> None:
    within = with_rules({"M-STOCK": [{**TOTAL, **rule}]})
    assert [fault.code for fault in refused(within, mixed((STOCK, stock, None)))] == ["equals"] * (not holds)


def test_categories_are_summed_or_named() -> None:
    named = [{"measure": WAIT, "categories": ["2-3", "4-up"]}]
    within = with_rules({BEDS: [{"code": "waited", "kind": "equals", "sum_of": named}]})
    assert not refused(within, hospice((15, 3, 4), (7, 300)), collection="hospice")
    assert [fault.code for fault in refused(within, hospice((15, 3, 4), (22, 300)), collection="hospice")] == ["equals"]


def test_a_relation_that_warns_says_the_figures_and_takes_an_explanation() -> None:
    within = with_rules({"M-RATIO": [{**WITHIN, "severity": "warn"}]})
    body = mixed((RATIO_LUNG, 3, 8))
    (warning,) = read(within, body, collection="mixed").warnings
    assert said(warning) == "The denominator of M-RATIO (site lung) is 8, more than the numerator of M-COUNT, which is 7."
    body["cells"][RATIO_LUNG] |= EXPLAINED
    assert read(within, body, collection="mixed").explained


@pytest.mark.parametrize(
    ("stock", "holds"),
    # 10 at the end of last month, 15 came, 3 went.
    [(22, True), (21, False), (23, False)],
)
def test_what_there_was_rolls_forward(stock: int, holds: bool) -> None:
    within = with_rules({"M-STOCK": [FORWARD]})
    free = with_rules({})
    history = before(free, mixed((STOCK, 10, None)), collection="mixed")
    assert [fault.code for fault in refused(within, mixed((STOCK, stock, None)), earlier=history)] == ["roll_forward"] * (not holds)
    assert not refused(within, mixed((STOCK, stock, None))), "nothing was received for the month before"


def test_two_collections_that_ask_for_the_same_each_have_their_own_rules() -> None:
    base = whole_document()
    line = next(line for line in base["collections"] if line["code"] == "mixed")
    beside = {**line, "code": "beside", "measures": [{"code": code, "sectors": ["voluntary"]} for code in line["measures"]]}
    collections = [each for each in base["collections"] if each is not line] + [
        {**line, "measures": [{"code": code, "sectors": ["community"]} for code in line["measures"]]},
        {**beside, "rules": [{"code": "again", "kind": "stale"}]},
    ]
    other = {**next(each for each in base["subcontracts"] if each["reference"] == "SC-MIX"), "reference": "SC-VOL", "sector": "voluntary"}
    assigned = [{**each, "subcontract": "SC-VOL"} for each in base["assignments"] if each["subcontract"] == "SC-MIX"]
    within = contract(
        **{
            **base,
            "collections": collections,
            "subcontracts": [*base["subcontracts"], other],
            "assignments": [*base["assignments"], *assigned],
        }
    )
    keys = ReturnKey("mixed", "SC-MIX", MONTH), ReturnKey("beside", "SC-VOL", MONTH)
    assert [owed(key, within).has_rules for key in (*keys, *keys)] == [False, True, False, True]
    assert owed(keys[0], within).cells == owed(keys[1], within).cells


def test_a_figure_is_compared_with_another_return_of_the_month_once_it_is_received() -> None:
    within = with_rules({"M-STOCK": [{"code": "beds", "kind": "at_most", "sum_of": [{"measure": BEDS, "part": "denominator"}]}]})
    expected = owed(key_of("mixed"), within)
    assert needed_of(expected) == {"hospice": Needed(frozenset({MONTH}), frozenset({BEDS}))}
    there = read_submission(hospice(beds=(1, 11)), owed(key_of("hospice"), within)).cells
    received = {"hospice": {MONTH: {cell.key: cell for cell in there}}}
    assert [fault.code for fault in refused(within, mixed(), earlier=received)] == ["at_most"]
    assert not refused(within, mixed((STOCK, 11, None)), earlier=received)
    assert not refused(within, mixed())


def test_what_is_not_known_is_not_judged() -> None:
    within = with_rules({"M-RATIO": [WITHIN], "M-STOCK": [TOTAL]})
    body = mixed((RATIO_LUNG, 3, 8))
    body["cells"][COUNT_LUNG] = {"measure": "M-COUNT", "site": "lung", "state": "not_collected", "reason": "other"}
    assert not refused(within, body)
    body["cells"][COUNT_LUNG] = {"measure": "M-COUNT", "site": "lung", "numerator": "seven"}
    found = refused(within, body)
    assert [(fault.code, fault.fix) for fault in found if fault.code != "not_a_number"] == [
        ("rule_not_judged", "See to it that the denominator of M-RATIO is at most the numerator of M-COUNT."),
        ("rule_not_judged", "See to it that the numerator of M-STOCK is the numerator of M-COUNT."),
    ]
    # What does not apply adds nothing.
    body["cells"][COUNT_LUNG] = {"measure": "M-COUNT", "site": "lung", "state": "not_applicable"}
    body["cells"][STOCK]["numerator"] = 8
    assert not refused(within, body)
    assert not refused(within, {"nil": True, "reason": "no_service"})


def test_what_the_rest_states_is_not_judged_while_a_line_cannot_be_placed() -> None:
    within = with_rules({"M-RATIO": [WITHIN]})
    body = mixed()
    body["rest"] = "zero"
    body["cells"][COUNT_LUNG]["site"] = "lnug"
    assert [fault.code for fault in refused(within, body)] == ["unknown_site", "rule_not_judged"]
    del body["cells"][COUNT_LUNG]
    assert [(fault.code, fault.pointer) for fault in refused(within, body)] == [("at_most", f"/cells/{RATIO_LUNG}/denominator")]


def test_a_broken_relation_names_whatever_a_mend_of_it_may_break() -> None:
    """A chain, 8 <= 7 <= 20 <= 25: whoever raises the second to 8 or lowers the first is told how far each may go, at once."""
    within = with_rules(
        {
            "M-RATIO": [WITHIN],
            "M-COUNT": [{"code": "counted", "kind": "at_most", "sum_of": [{"measure": "M-STOCK"}], "by": []}],
            "M-STOCK": [{"code": "beds", "kind": "equals", "sum_of": [{"measure": "M-MEAN"}], "tolerance": 10}],
            "M-RISK": [{"code": "apart", "kind": "at_most", "sum_of": [{"measure": "M-RISK", "part": "denominator"}]}],
        }
    )
    (fault,) = refused(within, mixed((RATIO_LUNG, 3, 8), (STOCK, 20, None), (MEAN, 25, 3)))
    assert fault.fix == (
        "Correct the figures that are wrong on either side."
        " Keep to this too: the numerator of M-RATIO is at most its denominator."
        " Keep to this too: the numerator of M-COUNT is at most the numerator of M-STOCK (rule counted)."
        " Keep to this too: the numerator of M-STOCK is the numerator of M-MEAN, give or take 10 (rule beds)."
    )


def test_a_relation_waits_for_a_cell_of_which_it_is_open_whether_it_stays() -> None:
    within = with_rules({"M-RATIO": [WITHIN]})
    body = mixed()
    body["cells"].append({**body["cells"][COUNT_LUNG], "numerator": 1})
    assert [fault.code for fault in refused(within, body)] == ["duplicate_cell", "rule_not_judged"]
    body["cells"].pop()
    body["note"] = "x" * 3000
    assert [fault.code for fault in refused(within, body)] == ["too_long"]


def planned(volume: Any, rule: dict[str, Any]) -> Contract:
    """The hospice's line expects so many patients a month."""
    assigned = [
        {**line, "expected_volume": volume} if line["subcontract"] == "SC-H9901" else line for line in whole_document()["assignments"]
    ]
    return with_rules({WAIT: [{"code": "as-planned", "kind": "plan", "tolerance": "0.25", **rule}]}, assignments=assigned)


@pytest.mark.parametrize(
    ("volume", "rule", "waits", "said_"),
    [
        (20, {}, 25, False),
        (20, {}, 26, True),
        (20, {}, 15, False),
        (20, {}, 14, True),
        (None, {}, 26, False),
        (20, {"minimum_count": 20}, 26, True),
        (20, {"minimum_count": 21}, 26, False),
        (0, {}, 1, True),
    ],
)
def test_activity_is_held_against_the_plan(volume: Any, rule: dict[str, Any], waits: int, said_: bool) -> None:
    found = read(planned(volume, rule), hospice((waits, 0, 0)))
    assert [(warning.code, warning.severity) for warning in found.warnings] == [("plan", "info")] * said_
    assert found.explained
    assert read(planned(volume, {**rule, "severity": "warn"}), hospice((waits, 0, 0))).explained is not said_


RULED: Final = with_rules({"M-RATIO": [WITHIN], "M-STOCK": [{"code": "few", "kind": "at_most", "sum_of": [{"measure": "M-RISK"}]}]})
FIGURES: Final = st.integers(0, 40)
JUNK: Final[st.SearchStrategy[Any]] = st.sampled_from(["", "5%", "-1", "0.3", None, -2, True, [], {}, "many", 10**8])


@settings(max_examples=150, deadline=None)
@given(denominator=FIGURES, counts=st.tuples(FIGURES, FIGURES), stock=FIGURES, risk=FIGURES, mean=JUNK, spare=st.booleans())
def test_mending_all_that_is_named_makes_the_return_valid(
    *, denominator: int, counts: tuple[int, int], stock: int, risk: int, mean: Any, spare: bool
) -> None:
    """Each relation is mended by the figure that it allows, anything else as it was; nothing is found the second time."""
    body = mixed((RATIO_LUNG, 0, denominator), (COUNT_LUNG, counts[0], None), (COUNT_PROSTATE, counts[1], None), (STOCK, stock, None))
    body["cells"][RISK_LUNG] |= {"numerator": risk, "denominator": 40}
    body["cells"][MEAN]["denominator"] = mean
    if spare:
        body["cells"].append({"measure": "M-NONE", "numerator": 1})
    mended = deepcopy(body)
    for fault in refused(RULED, body):
        assert fault.pointer is not None
        if fault.code == "rule_not_judged":
            continue
        position = int(fault.pointer.split("/")[2])
        if fault.code == "at_most":
            allowed = counts[0] if position == RATIO_LUNG else risk + 4
            mended["cells"][position][fault.pointer.split("/")[3]] = allowed
        else:
            mended["cells"][position] = mixed_body()["cells"][position] if position < len(mixed_body()["cells"]) else None
    mended["cells"] = [cell for cell in mended["cells"] if cell is not None]
    assert not refused(RULED, mended)
