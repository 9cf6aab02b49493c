"""Ten years of one contract, lived over HTTP: what is owed follows the contract, and every year can be read again as it stood."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from sqlalchemy import text

from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.canonical import sha256
from app.kernel.months import Month
from tests.journeys.decade import CCGS, CODE, FIRST, PROGRAMME, YEARS, Decade, Key
from tests.journeys.decade_story import LATE, Story, Told, ask_returns, at, questions, report_of, sources_of, tell
from tests.support.databases import Database

DELIVERED: Final = (
    ("SC-RJE", ("treated",), [("2014-07", "2024-06")]),
    ("SC-RJE", ("community",), [("2023-07", "2024-06")]),
    ("SC-RL4", ("treated",), [("2014-07", "2024-06")]),
    ("SC-R1E", ("community",), [("2014-07", "2018-05")]),
    ("SC-RRE", ("community",), [("2018-06", "2024-06")]),
    ("SC-H9901", ("hospice", "voices"), [("2014-07", "2020-04"), ("2020-07", "2024-06")]),
    ("SC-H9902", ("hospice", "voices"), [("2019-10", "2024-06")]),
    ("SC-X9902", ("home",), [("2016-07", "2021-03")]),
)
"""Who delivered in which months, and what each returns: written down from the story, not asked of the service."""

PART_MONTHS: Final = {("hospice", "SC-H9901", "2020-04"), ("voices", "SC-H9901", "2020-06"), ("home", "SC-X9902", "2021-03")}
FINAL: Final = {("community", "SC-R1E", "2018-05"), ("home", "SC-X9902", "2021-03")}
ONE_CELL: Final = {"hospice": "BEDS", "voices": "VOICES", "home": "VISITS"}


@pytest.fixture(scope="module")
def story(module_database: Database) -> Iterator[Story]:
    """The ten years, and then the same database under a service that has just started."""
    decade = Decade(module_database)
    with decade.served():
        story = tell(decade)
    with decade.served():
        yield story


def owed_until(last: Month) -> set[Key]:
    """Every duty up to a month: monthly, and of a quarter in its last month if any of its months was delivered."""
    found: set[Key] = set()
    for reference, collections, spans in DELIVERED:
        delivered = {month for first, end in spans for month in Month.parse(first).through(Month.parse(end))}
        for month in FIRST.through(last):
            if month in delivered:
                found |= {(code, reference, str(month)) for code in collections if code != "voices"}
            if "voices" in collections and month.number % 3 == 0 and delivered & {month, month.plus(-1), month.plus(-2)}:
                found.add(("voices", reference, str(month)))
    return found


def key_of(line: dict[str, Any]) -> Key:
    return (line["collection"], line["subcontract"], line["month"])


def row_of(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, (wanted, len(found))
    return found[0]


@pytest.mark.parametrize("year", YEARS)
def test_each_year_is_owed_exactly_what_was_delivered(story: Story, year: int) -> None:
    owed = [key_of(line) for line in story.years[year].owed]
    assert len(owed) == len(set(owed))
    assert set(owed) == owed_until(Month.parse(f"{year}-06"))


def places_of(key: Key) -> set[tuple[str, str, str, str]]:
    """What a return asks for, from what was agreed when: measure, site, commissioner and category of each cell."""
    code, reference, month = key
    if code in ONE_CELL:
        return {(ONE_CELL[code], "all", "all", "all")}
    if code == "community":
        manners = ("in_person", "remote") if month >= "2021-07" else ("all",)
        return {("CONTACTS", "all", place, manner) for place in CCGS for manner in manners}
    sites = ("lung", "bladder", "prostate") if reference == "SC-RJE" else ("lung", "bladder")
    places = [(site, place) for site in sites for place in (CCGS if reference == "SC-RJE" else ("04Y", "05V"))]
    if month >= "2023-10":
        return {("CWT-62", *each, route) for each in places for route in ("urgent", "breast_symptomatic", "screening", "upgrade")}
    if month >= "2017-07":
        return {("TREAT", *each, "all") for each in places}
    return {("TREAT", "lung" if site == "lung" else "urological", place, "all") for site, place in places}


def test_each_return_asked_for_exactly_its_cells(story: Story) -> None:
    assert len(story.decade.said) > 100
    for key, cells in story.decade.said.items():
        asked = [(cell["measure"], cell["site"], cell["commissioner"], cell["category"]) for cell in cells]
        assert len(asked) == len(set(asked)), key
        assert set(asked) == places_of(key), key


def test_part_months_and_final_returns_are_marked(story: Story) -> None:
    owed = story.years[2024].owed
    assert {key_of(line) for line in owed if line["part_month"]} == PART_MONTHS
    ends = {key for key in owed_until(Month.parse("2024-06")) if key[2] == "2024-06"}
    assert {key_of(line) for line in owed if line["final"]} == FINAL | ends


@pytest.mark.parametrize("year", YEARS)
def test_each_year_is_seen_as_it_was_seen_then(story: Story, year: int) -> None:
    """Byte for byte, from another start of the service, after all that came later."""
    told, decade = story.years[year], story.decade
    for question in questions(year):
        answer = decade.get(at(question, told.as_of))
        assert (answer.content, answer.headers["ETag"]) == (told.answers[question], told.tags[question]), question
    again = Told(told.as_of)
    ask_returns(decade, again)
    assert again.answers["returns"] == told.answers["returns"]


def test_the_document_of_every_act_is_still_told(story: Story) -> None:
    path = f"{PROGRAMME}/configuration?as_of="
    assert len(set(story.documents.values())) >= 9
    assert {moment: story.decade.get(f"{path}{moment}").content for moment in story.documents} == story.documents


def test_no_revision_has_changed(story: Story) -> None:
    """Also those made under definitions that were replaced since."""
    decade = story.decade
    assert len(decade.revisions) > 100
    assert {address: decade.get(address).content for address in decade.revisions} == decade.revisions


@pytest.mark.parametrize("year", YEARS)
def test_each_report_is_the_sum_of_what_was_accepted_by_then(story: Story, year: int) -> None:
    rows = json.loads(story.years[year].answers[report_of(year)])["observations"]
    codes = {row["measure"] for row in rows}
    assert {"TREAT", "CONTACTS", "BEDS", "VOICES"} - codes == ({"TREAT"} if year == 2024 else set())
    for code in sorted(codes):
        cells = [cell for key, cells in story.then[year].items() if key[2] == f"{year}-03" for cell in cells if cell["measure"] == code]
        row = row_of(rows, measure=code, slice="all", period="month")
        assert row["numerator"] == (sum(cell["numerator"] for cell in cells) if cells else None), code
        if cells and "denominator" in cells[0]:
            assert row["denominator"] == sum(cell["denominator"] for cell in cells), code


@pytest.mark.parametrize("year", YEARS)
def test_the_sources_of_a_year_are_what_was_returned_for_it(story: Story, year: int) -> None:
    sources = json.loads(story.years[year].answers[sources_of(year)])
    first, last = f"{year - 1}-07", f"{year}-03"
    sent = {key: cells for key, cells in story.then[year].items() if key[0] == "community" and first <= key[2] <= last}
    owed = {key for key in owed_until(Month.parse(last)) if key[0] == "community" and first <= key[2]}
    assert {key_of(each) for each in sources["returns"]} == owed
    assert {key_of(each) for each in sources["returns"] if each["revision"] is not None} == set(sent)
    count = sum(cell["numerator"] for cells in sent.values() for cell in cells)
    assert sources["row"]["numerator"] == sum(cell["numerator"] for cell in sources["cells"]) == count


def test_a_correction_is_in_later_years_only(story: Story) -> None:
    """March 2015 as it stood in 2015 and 2016, and as it stands since its correction in November 2016."""
    key = ("community", "SC-R1E", "2015-03")
    first, corrected = (sum(cell["numerator"] for cell in story.then[year][key]) for year in (2016, 2017))
    assert first != corrected
    for year, contacts in ((2015, first), (2016, first), (2017, corrected), (2024, corrected)):
        rows = story.decade.report("2015-03", as_of=story.years[year].as_of, measure="CONTACTS")
        assert row_of(rows, slice="all")["numerator"] == contacts, year


def test_what_came_too_late_is_refused(story: Story) -> None:
    said = {name: (answer.status_code, answer.json()["code"]) for name, answer in story.refused.items()}
    assert said == {
        "frozen": (409, "return_frozen"),
        "closed": (422, "return_invalid"),
        "terminated": (404, "not_found"),
        "rewriting": (409, "in_use"),
        "alone": (409, "same_person"),
    }
    rows = story.decade.report("2016-03", slice="subcontract", measure="TREAT")
    missing = row_of(rows, subcontract=LATE[1])
    assert (missing["numerator"], missing["missing_reason"]) == (None, "late")


def test_bladder_leaves_urological_with_a_new_version(story: Story) -> None:
    decade = story.decade
    for month, sites in (("2017-03", {"lung", "urological"}), ("2017-09", {"lung", "bladder", "prostate"})):
        cells = decade.get(f"{PROGRAMME}/returns/treated/SC-RJE/{month}").json()["expected_cells"]
        assert {cell["site"] for cell in cells} == sites, month
    before, after = (
        {row["site"]: row["site_scope"] for row in decade.report(month, slice="site", measure="TREAT")} for month in ("2017-03", "2017-09")
    )
    assert before == {"lung": "exact", "urological": "wider"}
    assert after == {"lung": "exact", "bladder": "exact", "prostate": "exact", "urological": "parent"}


def test_the_board_is_the_parent_of_its_part_from_july_2022(story: Story) -> None:
    decade = story.decade
    before, after = (
        {row["commissioner"]: row for row in decade.report(month, slice="commissioner", measure="CONTACTS")}
        for month in ("2022-03", "2022-09")
    )
    assert set(before) == set(CCGS)
    assert set(after) == {*CCGS, "QNC"}
    assert {after[code]["commissioner_scope"] for code in CCGS} == {"exact"}
    assert after["QNC"]["commissioner_scope"] == "part"
    assert after["QNC"]["numerator"] == sum(after[code]["numerator"] for code in CCGS)
    assert {cell["commissioner"] for cells in decade.said.values() for cell in cells} == {*CCGS, "all"}
    # What is owed is owed by place as before.
    effects = story.effects["board"]
    assert [effects[name] for name in effects if name.startswith("obligations")] == [[], [], []]


def test_the_boards_merge_again_in_april_2024(story: Story) -> None:
    decade = story.decade
    shown = {
        month: {row["commissioner"]: row["commissioner_scope"] for row in decade.report(month, slice="commissioner", measure="CONTACTS")}
        for month in ("2023-09", "2024-03", "2024-04")
    }
    assert {month: set(rows) - set(CCGS) for month, rows in shown.items()} == {"2023-09": {"QNC"}, "2024-03": {"QNC"}, "2024-04": {"Q9901"}}
    assert shown["2024-04"]["Q9901"] == "part"
    then = decade.report("2024-04", slice="commissioner", measure="CONTACTS", as_of=story.years[2023].as_of)
    assert {row["commissioner"] for row in then} == {*CCGS, "QNC"}
    told = decade.get("/v1/organisations/QNC").json()
    assert [link["successor"] for link in told["successors"]] == ["Q9901"]


def test_community_nursing_is_shared_from_july_2023(story: Story) -> None:
    assert story.split is not None
    stated = [(line["subcontract"], line["from_month"], line["to_month"], line["share"]) for line in story.split.json()["assignments"]]
    assert stated == [
        ("SC-RRE", "2018-06", "2023-06", None),
        ("SC-RRE", "2023-07", None, 60),
        ("SC-RJE", "2023-07", None, 40),
    ]
    assert json.loads(story.years[2024].answers["gaps"])["shares_short"] == []
    rows = story.decade.report("2024-03", slice="subcontract", measure="CONTACTS")
    assert {row["subcontract"] for row in rows} == {"SC-RRE", "SC-RJE"}


def test_a_proclaimed_day_moves_deadlines_and_is_recorded(story: Story) -> None:
    assert story.mourning is not None
    before, after = "2022-10-10T16:00:00.000000Z", "2022-10-11T16:00:00.000000Z"
    moved = {(each["collection"], each["month"], each["kind"]): each for each in story.mourning.json()["deadlines_moved"]}
    told = moved["treated", "2022-08", "due"]
    assert (told["before"], told["after"]) == (before, after)
    assert ("community", "2022-08", "due") not in moved
    asked = f"{PROGRAMME}/deadlines?collection=treated&from=2022-08&to=2022-08"
    instants = [
        story.decade.get(f"{asked}{when}").json()["deadlines"][0]["due"]["instant"] for when in (f"&as_of={story.years[2022].as_of}", "")
    ]
    assert instants == [before, after]
    with open_session(story.decade.database.engine, INSTALLATION) as session:
        query = text("SELECT details FROM events WHERE programme = :code AND action = 'calendar_day.proclaimed'")
        (details,) = session.execute(query, {"code": CODE}).scalars()
    assert details["deadlines_moved"] == len(moved)


def test_two_people_end_the_first_phase_on_the_evidence_of_its_gate(story: Story) -> None:
    def told(year: int, question: str) -> Any:
        return json.loads(story.years[year].answers[question])

    assert {year: told(year, report_of(year))["report"]["phase"] for year in YEARS} == {year: 1 if year < 2018 else 2 for year in YEARS}
    assert (told(2016, "phases/1/gate")["met"], told(2016, "phases/1/gate")["undecided_month"]) == (False, None)
    assert story.gate is not None
    passed = story.gate.json()
    assert (passed["met"], passed["undecided_month"]) == (True, "2016-07")
    again = story.decade.get(f"{PROGRAMME}/phases/1/gate?as_of={passed['as_of']}")
    assert again.content == story.gate.content
    (decision,) = told(2024, "phases/1/decision")["decisions"]
    assert (decision["state"], decision["from_month"], decision["evidence_sha256"]) == ("approved", "2017-07", sha256(again.content))
    assert decision["proposed_by"] != decision["approved_by"]


def test_gaps_are_of_the_contract_as_it_stood(story: Story) -> None:
    def uncovered(year: int) -> set[tuple[str, str, str | None]]:
        gaps = json.loads(story.years[year].answers["gaps"])["uncovered"]
        return {(gap["segment"], gap["from_month"], gap["to_month"]) for gap in gaps}

    assert uncovered(2015) == set()
    assert uncovered(2016) == {("home", "2014-07", "2016-06")}
    assert uncovered(2020) == {("home", "2014-07", "2016-06")}
    assert uncovered(2021) == {("home", "2014-07", "2016-06"), ("home", "2021-04", "2024-06")}


def test_history_reads_under_its_own_name_or_its_successors(story: Story) -> None:
    decade = story.decade
    years = {"slice": "subcontract", "measure": "CONTACTS", "period": "contract_year_to_date"}
    own, successors = (
        {row["organisation"]: row["numerator"] for row in decade.report("2018-06", succession=way, **years)}
        for way in ("as_reported", "restated")
    )
    sent = {code: [key for key in decade.said if key[1] == f"SC-{code}" and "2017-07" <= key[2] <= "2018-06"] for code in ("R1E", "RRE")}
    counts = {code: sum(cell["numerator"] for key in keys for cell in decade.said[key]) for code, keys in sent.items()}
    assert own == counts
    assert successors == {"RRE": counts["R1E"] + counts["RRE"]}


def test_a_document_of_then_cannot_unsay_what_was_returned_since(story: Story) -> None:
    decade = story.decade
    path, key = f"{PROGRAMME}/configuration", decade.key("administrator")
    old = json.loads(story.years[2020].answers["configuration"])
    # What the register says of an organisation is for the register to change back.
    old["organisations"] = []
    refused = decade.web.put(f"{path}?dry_run=true", old, key=key)
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use"), refused.text
    now = decade.get(path)
    same = decade.web.put(path, now.json(), key=key, headers={"If-Match": now.headers["ETag"]})
    assert (same.status_code, same.content) == (200, now.content)


def test_a_mistake_stays_in_its_own_time(story: Story) -> None:
    decade, right = story.decade, (1, "Foundation")
    for moment, lines in ((story.mistaken, (0, "Another phase")), (story.years[2022].as_of, right), (story.years[2023].as_of, right)):
        document = decade.get(f"{PROGRAMME}/configuration?as_of={moment}").json()
        assert (len(document["requirements"]), document["phases"][0]["name"]) == lines, moment
    mistaken = decade.report("2023-03", as_of=story.mistaken, measure="TREAT")
    assert row_of(mistaken, slice="all")["contract_test"] == "no_target"


def test_what_was_foretold_of_a_change_is_what_it_did(story: Story) -> None:
    def obligations(act: str, kind: str) -> list[tuple[str, str, str, str]]:
        found = story.effects[act][f"obligations_{kind}"]
        return [(each["collection"], each["subcontract"], each["from_month"], each["to_month"]) for each in found]

    assert obligations("home", "appearing") == [("home", "SC-X9902", "2016-07", "2024-06")]
    treated = [("treated", "SC-RJE"), ("treated", "SC-RL4")]
    assert obligations("bladder", "changing") == [(*each, "2017-07", "2024-06") for each in treated]
    assert obligations("reform", "changing") == [(*each, "2023-10", "2024-06") for each in treated]
    for act in ("home", "bladder", "reform"):
        assert obligations(act, "disappearing") == [], act
        assert story.effects[act]["months_touched"] == [], act
