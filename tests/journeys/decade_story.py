"""What happens in the ten years, act by act, and what the service is seen to say at the end of each contract year."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx

from app.kernel.canonical import sha256
from app.kernel.moments import moment_text
from app.reports.slices import SLICES
from tests.journeys.decade import (
    CCGS,
    CONTACTS,
    PROGRAMME,
    R1E,
    RRE,
    TREATED,
    YEARS,
    Change,
    Decade,
    Key,
    assignment,
    collection,
    first_document,
    segment,
    subcontract,
)

LATE: Final[Key] = ("treated", "SC-RL4", "2016-03")
"""A return that never comes."""

ICB: Final = {"ods_code": "QNC", "name": "NHS Staffordshire and Stoke-on-Trent Integrated Care Board", "kind": "icb"}
MERGED: Final = {"ods_code": "Q9901", "name": "A fictional board of two counties", "kind": "icb"}
CONTACTS_V2: Final[dict[str, Any]] = {
    **CONTACTS,
    "version": 2,
    "from_month": "2021-07",
    "name": "Contacts, by how they were made",
    "breakdown": {"code": "manner", "categories": [{"code": "in_person"}, {"code": "remote"}]},
    "supersedes": [{"code": "CONTACTS", "version": 1}],
}
TREATED_V2: Final[dict[str, Any]] = {
    **TREATED,
    "version": 2,
    "from_month": "2017-07",
    "to_month": "2023-09",
    "site_map": {},
    "supersedes": [{"code": "TREAT", "version": 1}],
}
"""Bladder and prostate are returned on their own; the reform of October 2023 ends it."""

_NIL: Final = {"nil": True, "reason": "no_service"}


@dataclass
class Told:
    """The service's answers of one moment, by the question; each question names the moment."""

    as_of: str
    answers: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    owed: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Story:
    """What is remembered on the way."""

    decade: Decade
    years: dict[int, Told] = field(default_factory=dict)
    effects: dict[str, dict[str, Any]] = field(default_factory=dict)
    then: dict[int, dict[Key, list[dict[str, Any]]]] = field(default_factory=dict)
    """What was accepted by the end of each year."""
    documents: dict[str, bytes] = field(default_factory=dict)
    """The document in force a second after each act."""
    mistaken: str = ""
    """A moment at which the contract said something by mistake."""
    refused: dict[str, httpx.Response] = field(default_factory=dict)
    gate: httpx.Response | None = None
    """What the gate of the first phase said when it was passed."""
    mourning: httpx.Response | None = None
    """What moved when a day of mourning was proclaimed."""
    split: httpx.Response | None = None
    """The lines of community nursing once it was shared."""


def report_of(year: int) -> str:
    """The question for the report of a contract year's March, with everything that a report can show."""
    asked = [*(f"slice={name}" for name in SLICES), "period=month", "period=contract_year_to_date"]
    return f"reports/{year}-03?{'&'.join(asked)}"


def sources_of(year: int) -> str:
    """The question for what is behind the contacts of a contract year."""
    return f"reports/{year}-03/sources?measure=CONTACTS&period=contract_year_to_date"


def questions(year: int) -> list[str]:
    """What is asked at the end of every contract year, and again at the end of all."""
    months = f"from={year - 1}-07&to={year}-06"
    return [
        report_of(year),
        "configuration",
        "gaps",
        f"gaps?{months}",
        f"deadlines?{months}&limit=200",
        "assignments",
        "assurance",
        "measures",
        "phases/1/gate",
        "phases/1/decision",
        "returns/treated/SC-RJE/2015-03",
        sources_of(year),
        f"reports/{year}-03?succession=restated&slice=subcontract&period=contract_year_to_date",
    ]


def at(question: str, as_of: str) -> str:
    return f"{PROGRAMME}/{question}{'&' if '?' in question else '?'}as_of={as_of}"


def look(decade: Decade, year: int) -> Told:
    """Ask everything on the last evening of a contract year, first without a moment."""
    decade.on(year, 6, 30, hour=21)
    unasked = {question: decade.get(f"{PROGRAMME}/{question}") for question in questions(year)}
    told = Told(unasked[report_of(year)].json()["report"]["as_of"])
    for question, answer in unasked.items():
        asked = decade.get(at(question, told.as_of))
        # A question without a moment is the one with the moment that it is judged at.
        assert (answer.content, answer.headers["ETag"]) == (asked.content, asked.headers["ETag"]), (year, question)
        told.answers[question], told.tags[question] = asked.content, asked.headers["ETag"]
    ask_returns(decade, told)
    return told


def ask_returns(decade: Decade, told: Told) -> None:
    pages = decade.pages("returns", as_of=told.as_of)
    told.answers["returns"] = b"\n".join(page.content for page in pages)
    told.owed = [line for page in pages for line in page.json()["returns"]]


def tell(decade: Decade) -> Story:
    """The ten years."""
    story = Story(decade)
    decade.put(f"{PROGRAMME}/configuration", first_document(), new=True)
    for year in YEARS:
        for act in (_AUTUMN, _september, _WINTER, _march, _SPRING):
            if callable(act):
                act(story, year)
            elif year in act:
                act[year](story)
            story.documents[moment_text(decade.now + timedelta(seconds=1))] = decade.get(f"{PROGRAMME}/configuration").content
        story.years[year], story.then[year] = look(decade, year), dict(decade.said)
    return story


def _september(story: Story, year: int) -> None:
    story.decade.send_all(f"{year - 1}-09")


def _march(story: Story, year: int) -> None:
    story.decade.send_all(f"{year}-03", but=(LATE,))


def _home_care_begins(story: Story) -> None:
    """A segment that there was not, delivered by a small provider from July 2016."""
    story.decade.on(2016, 5, 3)

    def change(document: dict[str, Any]) -> None:
        document["organisations"].append({"ods_code": "X9902", "name": "A fictional home care agency", "kind": "independent_provider"})
        document["measures"].append({"code": "VISITS", "name": "Visits at home", "aggregation": "count_sum", "split_by": []})
        document["pathways"][0]["segments"].append(segment("home", "Care at home", "VISITS"))
        document["collections"].append(collection("home", "Care at home", "VISITS"))
        document["subcontracts"].append(subcontract("X9902", "independent", starts_on="2016-07-01"))
        document["assignments"].append(assignment("X9902", "home", from_month="2016-07"))

    story.effects["home"] = story.decade.amend(change)


def _march_is_corrected(story: Story) -> None:
    """Two years late, the community trust corrects March 2015, which never freezes; the acute trust's March did."""
    story.decade.on(2016, 11, 8)
    assert story.decade.submit(("community", "SC-R1E", "2015-03"), attempt=1).status_code == 201
    story.refused["frozen"] = story.decade.submit(("treated", "SC-RJE", "2015-03"), attempt=1)


def _bladder_leaves(story: Story) -> None:
    """From July 2017, as a dry run foretells; it could not be from a month that was returned already."""
    decade = story.decade
    decade.on(2017, 5, 9)
    path, line = f"{PROGRAMME}/measures/TREAT/versions/2", {**TREATED_V2, "to_month": None}
    key = decade.key("administrator")
    story.effects["bladder"] = decade.web.put(f"{path}?dry_run=true", line, key=key).json()["effects"]
    story.refused["rewriting"] = decade.web.put(path, {**line, "from_month": "2017-03"}, key=key, headers={"If-None-Match": "*"})
    decade.put(path, line, new=True)


def _phase_ends(story: Story) -> None:
    """A year after it was planned, when March 2017 has come in full and the baselines are agreed, two people move the programme on."""
    decade = story.decade
    decade.on(2017, 5, 16)
    path, manager = "phases/1", decade.key("contract_manager")
    agreed = {"measures": ["TREAT"], "commissioner": "05W", "agreed_on": "2017-05-15", "document_sha256": "a" * 64}
    assert decade.post(f"{path}/baselines", agreed, key=manager).status_code == 201
    story.gate = decade.get(f"{PROGRAMME}/{path}/gate")
    proposal = {
        "decision": "move_on",
        "from_month": "2017-07",
        "reason": "The data are good enough.",
        "evidence_as_of": story.gate.json()["as_of"],
        "evidence_sha256": sha256(story.gate.content),
    }
    made = decade.post(f"{path}/decision", proposal, key=manager)
    assert made.status_code == 201, made.text
    decade.on(2017, 5, 17)
    approval = {"number": made.json()["number"]}
    story.refused["alone"] = decade.post(f"{path}/decision/approval", approval, key=manager)
    approved = decade.post(f"{path}/decision/approval", approval)
    assert approved.status_code == 200, approved.text


def _bladder_leaves_and_the_phase_ends(story: Story) -> None:
    _bladder_leaves(story)
    _phase_ends(story)


def _community_trust_closes(story: Story) -> None:
    """R1E ends with May 2018; from June its successor has the subcontract and the assignment."""
    decade = story.decade
    decade.on(2018, 5, 14)

    def change(document: dict[str, Any]) -> None:
        document["organisations"].append(RRE)
        document["subcontracts"].append(subcontract("RRE", "community", starts_on="2018-06-01"))

    decade.amend(change)
    (line,) = decade.get(f"{PROGRAMME}/assignments?subcontract=SC-R1E").json()["assignments"]
    moved = decade.post(f"assignments/{line['assignment']}/move", {"from_month": "2018-06", "subcontract": "SC-RRE"})
    assert moved.status_code == 200, moved.text
    closed = {"legal": {"to": "2018-05-31"}, "operational": {"to": "2018-05-31"}}
    decade.put("/v1/organisations/R1E", {"organisation": {**R1E, **closed}, "why": "It closes."})
    decade.put("/v1/organisations/R1E/successors/RRE", {"legal_on": "2018-06-01", "why": "Its services go there."}, new=True)
    decade.send_all("2018-05")


def _successor_sends(story: Story) -> None:
    """The first and only return of June by the successor; its predecessor cannot return June any more."""
    decade = story.decade
    decade.on(2018, 7, 12)
    assert decade.submit(("community", "SC-RRE", "2018-06")).status_code == 201
    story.refused["closed"] = decade.post("returns/community/SC-R1E/2018-06/revisions", _NIL, key=decade.key("preparer", "SC-R1E"))


def _hospice_joins(story: Story) -> None:
    """A second hospice from October 2019; its first month was without patients."""
    decade = story.decade
    decade.on(2019, 8, 20)
    decade.put(
        "/v1/organisations/H9902",
        {"organisation": {"ods_code": "H9902", "name": "A late fictional hospice", "kind": "hospice"}, "why": "It joins."},
        new=True,
    )
    decade.put(f"{PROGRAMME}/subcontracts/SC-H9902", subcontract("H9902", "hospice", starts_on="2019-10-01"), new=True)
    decade.amend(_adds("assignments", assignment("H9902", "palliative", from_month="2019-10")))


def _hospice_opens(story: Story) -> None:
    decade = story.decade
    decade.on(2019, 11, 12)
    key = decade.key("preparer", "SC-H9902")
    nil = decade.post("returns/hospice/SC-H9902/2019-10/revisions", _NIL, key=key)
    assert nil.status_code == 201, nil.text
    decade.keep(nil.headers["Location"])


def _adds(noun: str, *lines: Any) -> Change:
    return lambda document: document[noun].extend(lines)


def _hospice_is_suspended(story: Story) -> None:
    """From the middle of April 2020 to the end of June: said in May, and its end in June."""
    decade = story.decade
    decade.on(2020, 5, 4)
    steps = [{"status": "live", "from_day": "2014-07-01"}, {"status": "suspended", "from_day": "2020-04-15", "reason": "An outbreak."}]
    decade.amend_line("subcontracts", "SC-H9901", status_history=steps)
    decade.on(2020, 6, 22)
    steps.append({"status": "live", "from_day": "2020-07-01"})
    decade.amend_line("subcontracts", "SC-H9901", status_history=steps)


def _home_care_is_terminated(story: Story) -> None:
    """The agency's last day is the fifteenth of March 2021: its final return is of March."""
    decade = story.decade
    decade.on(2021, 2, 1)
    steps = [
        {"status": "live", "from_day": "2016-07-01"},
        {"status": "notice", "from_day": "2021-02-01", "reason": "It gives up."},
        {"status": "terminated", "from_day": "2021-03-16"},
    ]
    decade.amend_line("subcontracts", "SC-X9902", status_history=steps)


def _contacts_are_told_apart(story: Story) -> None:
    story.decade.on(2021, 5, 11)
    story.decade.put(f"{PROGRAMME}/measures/CONTACTS/versions/2", CONTACTS_V2, new=True)


def _home_care_cannot_send(story: Story) -> None:
    story.decade.on(2021, 10, 4)
    story.refused["terminated"] = story.decade.post(
        "returns/home/SC-X9902/2021-04/revisions", _NIL, key=story.decade.key("preparer", "SC-X9902")
    )


def _ccgs_become_one_board(story: Story) -> None:
    """In July 2022 four of the six CCGs of Staffordshire are the contract's: the board's row is a part."""
    decade = story.decade
    decade.on(2022, 6, 14)
    for code in CCGS:
        name = f"{ICB['name']} - {code}"
        line = {"ods_code": code, "name": name, "kind": "sub_icb_location"}
        decade.put(f"/v1/organisations/{code}", {"organisation": line, "why": "A location of the board from July."})

    def change(document: dict[str, Any]) -> None:
        document["organisations"].append(ICB)
        for line in document["commissioners"]:
            line["parent"] = "QNC"
        document["commissioners"].append({"ods_code": "QNC", "name": ICB["name"], "from_month": "2022-07"})

    story.effects["board"] = decade.amend(change)


def _waiting_times_are_reformed(story: Story) -> None:
    """From October 2023 the national standard is another measure, by route; it comes from the catalogue."""
    decade = story.decade
    decade.on(2023, 9, 20)

    def change(document: dict[str, Any]) -> None:
        for line in document["measures"]:
            if (line["code"], line["version"]) == ("TREAT", 2):
                line["to_month"] = "2023-09"
        document["measures"].append("CWT-62")
        document["pathways"][0]["segments"][0]["measures"].append("CWT-62")
        next(line for line in document["collections"] if line["code"] == "treated")["measures"].append("CWT-62")

    story.effects["reform"] = decade.amend(change)


def _a_mistake_is_undone(story: Story) -> None:
    """Two lines are lost by mistake in May 2023; the document as of before is brought into force again."""
    decade = story.decade
    decade.on(2023, 5, 10)
    path = f"{PROGRAMME}/configuration"
    before = decade.get(path)

    def change(document: dict[str, Any]) -> None:
        document["requirements"].clear()
        document["phases"][0]["name"] = "Another phase"

    decade.amend(change)
    story.mistaken = moment_text(decade.now + timedelta(seconds=1))
    decade.on(2023, 5, 11)
    then = decade.get(f"{path}?as_of=2023-05-10T09:59:59Z")
    assert then.content == before.content
    decade.put(path, then.json())
    assert decade.get(path).content == before.content


def _a_day_is_proclaimed(story: Story) -> None:
    """In September 2022 a second day of mourning is proclaimed, eight days before it."""
    decade = story.decade
    decade.on(2022, 9, 12)
    body = {"worked": False, "name": "A second day of mourning", "why": "Proclaimed on 12 September."}
    headers = {"If-None-Match": "*"}
    story.mourning = decade.web.put("/v1/calendar/days/2022-09-20", body, key=decade.key("administrator"), headers=headers)
    assert story.mourning.status_code == 201, story.mourning.text


def _community_nursing_is_shared(story: Story) -> None:
    """From July 2023 the acute trust takes two fifths of it over."""
    decade = story.decade
    decade.on(2023, 5, 22)
    (line,) = decade.get(f"{PROGRAMME}/assignments?subcontract=SC-RRE").json()["assignments"]
    parts = [{"subcontract": "SC-RRE", "share": 60}, {"subcontract": "SC-RJE", "share": 40}]
    story.split = decade.post(f"assignments/{line['assignment']}/split", {"from_month": "2023-07", "parts": parts})
    assert story.split.status_code == 200, story.split.text


def _mistake_and_share(story: Story) -> None:
    _a_mistake_is_undone(story)
    _community_nursing_is_shared(story)


def _the_board_merges_again(story: Story) -> None:
    """From April 2024 the board goes on within a larger one; the locations stay as they are."""
    decade = story.decade
    decade.on(2024, 2, 5)
    decade.put("/v1/organisations/Q9901", {"organisation": MERGED, "why": "Two boards merge."}, new=True)
    closed = {"legal": {"to": "2024-03-31"}, "operational": {"to": "2024-03-31"}}
    decade.put("/v1/organisations/QNC", {"organisation": {**ICB, **closed}, "why": "It merges into another."})
    decade.put("/v1/organisations/QNC/successors/Q9901", {"legal_on": "2024-04-01", "why": "It merges into another."}, new=True)
    line = {"ods_code": "Q9901", "name": MERGED["name"], "from_month": "2024-04"}
    decade.put(f"{PROGRAMME}/commissioners/Q9901", line, new=True)
    decade.amend_line("commissioners", "QNC", parent="Q9901", to_month="2024-03")


_AUTUMN: Final = {
    2019: _successor_sends,
    2020: _hospice_joins,
    2022: _home_care_cannot_send,
    2023: _a_day_is_proclaimed,
    2024: _waiting_times_are_reformed,
}
_WINTER: Final = {2017: _march_is_corrected, 2020: _hospice_opens, 2021: _home_care_is_terminated, 2024: _the_board_merges_again}
_SPRING: Final = {
    2016: _home_care_begins,
    2017: _bladder_leaves_and_the_phase_ends,
    2018: _community_trust_closes,
    2020: _hospice_is_suspended,
    2021: _contacts_are_told_apart,
    2022: _ccgs_become_one_board,
    2023: _mistake_and_share,
}
