"""A hospice's autumn: one person, part time, with a spreadsheet and a key, whose chief executive signs what is sent."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import Result

from app.demo.document import document
from app.kernel.months import Month
from tests.journeys.stage import Party, Stage, staged
from tests.support.databases import Database
from tests.support.forms import entries, rows_of, typed_in

BEGINS: Final = Month.parse("2026-03")
SEPTEMBER, OCTOBER, NOVEMBER = "2026-09", "2026-10", "2026-11"
HOSPICE: Final = "SC-H9901"
PLACES: Final = ("05G", "05W")


def contract() -> dict[str, Any]:
    """The demonstration's, but that hospices' returns are signed, looked at, and frozen half a year on."""
    whole = document(BEGINS)
    signed = {"sign_off": "required", "auto_accept": False, "freeze": {"working_day": 18, "months_later": 6}}
    whole["collections"] = [{**line, **signed} if line["code"] == "hospice" else line for line in whole["collections"]]
    return whole


def month(waits: tuple[int, ...] = (15, 8, 6, 2), *, beds: int = 240, recorded: int = 7, caseload: int = 38) -> dict[str, Any]:
    """What the hospice counted: who waited how long, its beds, and for each of its two populations the deaths and the caseload."""
    cells: list[dict[str, Any]] = [
        {"measure": "HOSP-WAIT", "category": band, "numerator": count}
        for band, count in zip(("0-1", "2-3", "4-7", "8-up"), waits, strict=True)
    ]
    cells.append({"measure": "E-BEDOCC", "numerator": beds, "denominator": 300})
    for place in PLACES:
        cells += [
            {"measure": "E-PPDR", "commissioner": place, "numerator": recorded, "denominator": 9},
            {"measure": "E-PPDA", "commissioner": place, "numerator": 5, "denominator": recorded},
            {"measure": "CASELOAD", "commissioner": place, "numerator": caseload},
        ]
    return {"cells": cells}


@dataclass
class Hospice:
    """The people of the story: at the hospice who counts and who signs, at the integrator who asks and who reads."""

    stage: Stage
    folder: Path
    desk: Party
    chief: Party
    manager: Party
    analyst: Party
    told: tuple[bytes, str] = (b"", "")
    """What the report of September said in October, and as of which moment."""

    def at(self, when: str) -> None:
        self.stage.now = datetime.fromisoformat(when)

    def shell(self, *words: str) -> Result:
        return self.stage.shell(self.desk, *words)

    def file(self, month: str) -> Path:
        return self.folder / f"hospice {HOSPICE} {month}.xlsx"

    def form(self, month: str) -> bytes:
        """The form of a month, fetched at the shell into the folder."""
        fetched = self.shell("returns", "template", "--month", month, "--folder", str(self.folder), "--overwrite")
        assert (fetched.exit_code, fetched.stdout.strip()) == (0, str(self.file(month))), fetched.output
        return self.file(month).read_bytes()

    def form_of(self, month: str) -> bytes:
        """The form of a month that was sent already."""
        return self.desk.call("GET", f"returns/hospice/{HOSPICE}/{month}/template.xlsx").content

    def fill_in(self, month: str, form: bytes, body: dict[str, Any]) -> None:
        """Type into the form what a body states, and save it."""
        self.file(month).write_bytes(typed_in(form, entries(form, body), self.folder))

    def row(self, month: str, measure: str, query: str = "") -> dict[str, Any]:
        """What the report says of one of the hospice's measures."""
        told = self.analyst.get(f"reports/{month}?slice=subcontract&measure={measure}{query}")
        (row,) = [row for row in told["observations"] if row["subcontract"] == HOSPICE]
        return dict(row)


@pytest.fixture(scope="module")
def hospice(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospice]:
    with staged(module_database, contract(), at=datetime(2026, 2, 16, 9, tzinfo=UTC)) as stage:
        desk, chief = (stage.party(role, subcontract=HOSPICE) for role in ("preparer", "approver"))
        manager, analyst = stage.party("contract_manager"), stage.party("analyst")
        yield Hospice(stage, tmp_path_factory.mktemp("hospice"), desk, chief, manager, analyst)


def test_an_autumn_of_a_hospice_with_a_spreadsheet(hospice: Hospice) -> None:
    the_half_year_before_goes_in_from_one_table(hospice)
    it_asks_what_is_due(hospice)
    what_is_wrong_is_named_at_once_and_nothing_is_kept(hospice)
    what_is_odd_is_asked_about_before_it_is_sent(hospice)
    it_is_received_with_a_receipt(hospice)
    the_chief_executive_signs(hospice)
    a_question_is_answered_and_the_return_sent_again(hospice)
    it_is_accepted_and_stands_in_the_report(hospice)
    what_was_sent_is_there_to_the_byte(hospice)
    a_measure_that_is_not_collected_is_never_zero(hospice)
    a_month_without_a_service_is_nil(hospice)
    a_correction_after_the_freeze_needs_a_reopening(hospice)
    the_report_still_says_what_it_said(hospice)
    the_quality_of_the_months_tells_the_story(hospice)


def the_half_year_before_goes_in_from_one_table(hospice: Hospice) -> None:
    hospice.at("2026-10-02T09:00Z")
    lines = ["collection,subcontract,month,measure,category,commissioner,numerator,denominator"]
    for number in range(6):
        for cell in month((13 + number % 3, 9 - number % 2, 5, 2))["cells"]:
            lines.append(
                ",".join([f"hospice,{HOSPICE},{BEGINS.plus(number)}", *(str(cell.get(name, "")) for name in lines[0].split(",")[3:])])
            )
    table = hospice.folder / "before.csv"
    table.write_text("\r\n".join(lines))
    sent = hospice.shell("returns", "backfill", str(table))
    assert sent.stdout.startswith("6 returns: 6 received, 0 with warnings, 0 were there already, 0 refused."), sent.output


def it_asks_what_is_due(hospice: Hospice) -> None:
    told = hospice.desk.get(f"subcontracts/{HOSPICE}/due")
    assert (told["organisation_name"], told["today"]) == ("Moorland Edge Hospice (fictional)", "2026-10-02")
    september, october = (next(each for each in told["due"] if each["month"] == month) for month in (SEPTEMBER, OCTOBER))
    assert (
        september["words"] == "Hospice activity for September 2026 is due at 17:00 on Wednesday 14 October 2026, London time, in 12 days."
    )
    assert october["words"].endswith("It can be counted once October 2026 has ended.")
    assert (september["cells"], september["for_commissioners"][0]["name"]) == (11, "North Staffordshire")
    guide = hospice.desk.get(september["links"]["guide"])
    (beds,) = [measure for measure in guide["measures"] if measure["code"] == "E-BEDOCC"]
    assert beds["example"] == "10 beds available on each of 31 days are 310 bed-days; 248 of them were occupied: 248 over 310."
    (short_waits,) = [cell for cell in guide["cells"] if cell["category"] == "0-1"]
    assert [short_waits[name] for name in ("last_month_numerator", "mean_12_months_numerator", "mean_12_months_of")] == [15, 14, 6]
    assert "Wednesday 14 October 2026" in " ".join(hospice.shell("returns", "due").stdout.split())


def what_is_wrong_is_named_at_once_and_nothing_is_kept(hospice: Hospice) -> None:
    form, forgetful = hospice.form(SEPTEMBER), month((150, 8, 6, 2))
    forgotten = forgetful["cells"].pop()
    hospice.fill_in(SEPTEMBER, form, {**forgetful, "note": "Mrs Smith, 943 476 5919, counted twice?"})
    refused = hospice.shell("returns", "submit", str(hospice.file(SEPTEMBER)))
    assert refused.exit_code == 3
    for named in (
        "2 faults",
        "Return B7",
        "an NHS number",
        "Return D24",
        "The expected cell (measure CASELOAD, commissioner 05W) is not there.",
    ):
        assert named in refused.stderr
    assert "943" not in refused.output
    assert "Smith" not in refused.output
    assert not list(hospice.folder.glob("*.receipt.json"))
    stands = hospice.desk.get(f"returns/hospice/{HOSPICE}/{SEPTEMBER}")
    assert (stands["status"], stands["revisions"]) == ("expected", [])
    hospice.fill_in(SEPTEMBER, form, {**forgetful, "cells": [*forgetful["cells"], forgotten]})


def what_is_odd_is_asked_about_before_it_is_sent(hospice: Hospice) -> None:
    checked = hospice.shell("returns", "check", str(hospice.file(SEPTEMBER)))
    assert (checked.exit_code, "would be received (on time)" in checked.stdout) == (4, True)
    assert "The numerator of HOSP-WAIT is 166. In 6 earlier months the mean was 29.5" in checked.stdout
    hospice.fill_in(SEPTEMBER, hospice.form(SEPTEMBER), month())
    again = hospice.shell("returns", "check", str(hospice.file(SEPTEMBER)))
    assert (again.exit_code, "what is odd" in again.stdout) == (0, False)


def it_is_received_with_a_receipt(hospice: Hospice) -> None:
    sent = hospice.shell("returns", "submit", str(hospice.file(SEPTEMBER)))
    assert (sent.exit_code, "revision 1, received, and waits for acceptance; Fri 02 Oct 2026 10:00, on time." in sent.stdout) == (0, True)
    receipt = json.loads((hospice.folder / f"{hospice.file(SEPTEMBER).name}.receipt.json").read_bytes())
    assert receipt["sha256"] == hashlib.sha256(hospice.file(SEPTEMBER).read_bytes()).hexdigest()
    assert receipt["outcome"] == "received"


def the_chief_executive_signs(hospice: Hospice) -> None:
    of_september = f"returns/hospice/{HOSPICE}/{SEPTEMBER}"
    (waiting,) = [each for each in hospice.chief.get(f"subcontracts/{HOSPICE}/due")["due"] if each["month"] == SEPTEMBER]
    assert waiting["words"].endswith("waits for its sign-off by somebody other than who sent it.")
    hospice.desk.post(f"{of_september}/sign-off", {"revision": 1}, status=403)
    early = hospice.manager.post(f"{of_september}/acceptance", status=409)
    assert early["code"] == "sign_off_missing"
    hospice.at("2026-10-05T09:00Z")
    signed = hospice.chief.post(f"{of_september}/sign-off", {"revision": 1, "statement": "Complete and correct."})
    assert (signed["signed_off"], signed["sign_off"]["statement"], signed["status"]) == (True, "Complete and correct.", "submitted")


def a_question_is_answered_and_the_return_sent_again(hospice: Hospice) -> None:
    of_september = f"returns/hospice/{HOSPICE}/{SEPTEMBER}"
    hospice.at("2026-10-06T09:00Z")
    coming, now = hospice.row(SEPTEMBER, "E-BEDOCC", "&include=submitted"), hospice.row(SEPTEMBER, "E-BEDOCC")
    assert (coming["numerator"], now["numerator"], now["missing_reason"]) == (240, None, "not_accepted")
    question = {"text": "Are the two beds that opened in September in this?", "cells": [{"measure": "E-BEDOCC"}], "due_on": "2026-10-09"}
    asked = hospice.manager.post(f"{of_september}/queries", question, status=201)
    (to_do,) = [each for each in hospice.desk.get(f"subcontracts/{HOSPICE}/due")["due"] if each["month"] == SEPTEMBER]
    assert to_do["words"].endswith("there is a question about it: answer it by Friday 9 October 2026, in 3 days, or send the return again.")
    (seen,) = hospice.desk.get("queries?open=true")["queries"]
    assert (seen["text"], seen["due_on"], [cell["measure"] for cell in seen["cells"]]) == (question["text"], "2026-10-09", ["E-BEDOCC"])
    hospice.at("2026-10-08T15:00Z")
    hospice.desk.post(f"{asked['links']['self']}/answer", {"text": "They were not; the return follows with them."})
    hospice.fill_in(SEPTEMBER, hospice.form_of(SEPTEMBER), month(beds=252))
    sent = hospice.shell("returns", "submit", str(hospice.file(SEPTEMBER)))
    assert (sent.exit_code, "revision 2, received" in sent.stdout) == (0, True), sent.output
    compared = hospice.manager.get(f"{of_september}/revisions/2/differences")
    assert [(cell["measure"], cell["before"]["numerator"], cell["after"]["numerator"]) for cell in compared["cells"]] == [
        ("E-BEDOCC", 240, 252)
    ]
    hospice.manager.post(f"{asked['links']['self']}/closing", {"outcome": "settled", "text": "Thank you."})


def it_is_accepted_and_stands_in_the_report(hospice: Hospice) -> None:
    of_september = f"returns/hospice/{HOSPICE}/{SEPTEMBER}"
    assert hospice.manager.post(f"{of_september}/acceptance", {"revision": 2}, status=409)["code"] == "sign_off_missing"
    hospice.at("2026-10-09T09:00Z")
    hospice.chief.post(f"{of_september}/sign-off", {"revision": 2})
    hospice.manager.post(f"{of_september}/acceptance", {"revision": 2})
    hospice.at("2026-10-20T09:00Z")
    row = hospice.row(SEPTEMBER, "E-BEDOCC")
    assert (row["numerator"], row["denominator"], row["value"], row["missing_reason"]) == (252, 300, Decimal("0.84"), None)
    behind = hospice.analyst.get(f"reports/{SEPTEMBER}/sources?slice=subcontract&subcontract={HOSPICE}&measure=E-BEDOCC")
    assert behind["row"] == row
    assert [(cell["revision"], cell["numerator"], cell["denominator"]) for cell in behind["cells"]] == [(2, 252, 300)]
    told = hospice.analyst.call("GET", f"reports/{SEPTEMBER}")
    hospice.told = told.content, told.json()["report"]["as_of"]


def what_was_sent_is_there_to_the_byte(hospice: Hospice) -> None:
    file = f"returns/hospice/{HOSPICE}/{SEPTEMBER}/revisions/2/file"
    for who in (hospice.desk, hospice.chief, hospice.manager):
        assert who.call("GET", file).content == hospice.file(SEPTEMBER).read_bytes()
    another = hospice.stage.party("preparer", subcontract="SC-H9902")
    another.get(file, status=404)
    verified = hospice.shell("receipt", "verify", str(hospice.file(SEPTEMBER)))
    assert (verified.exit_code, "NO" in verified.stdout) == (0, False)


def a_measure_that_is_not_collected_is_never_zero(hospice: Hospice) -> None:
    hospice.at("2026-11-03T09:00Z")
    october = month((14, 9, 4, 3))
    october["cells"] = [
        {"measure": "HOSP-WAIT", "category": cell["category"], "state": "not_collected", "reason": "definition_not_agreed"}
        if cell["measure"] == "HOSP-WAIT"
        else cell
        for cell in october["cells"]
    ]
    hospice.fill_in(OCTOBER, hospice.form(OCTOBER), october)
    sent = hospice.shell("returns", "submit", str(hospice.file(OCTOBER)))
    assert sent.exit_code == 0, sent.output
    of_october = f"returns/hospice/{HOSPICE}/{OCTOBER}"
    hospice.chief.post(f"{of_october}/sign-off", {"revision": 1})
    hospice.manager.post(f"{of_october}/acceptance")
    waits, beds = hospice.row(OCTOBER, "HOSP-WAIT"), hospice.row(OCTOBER, "E-BEDOCC")
    assert (waits["numerator"], waits["value"], waits["missing_reason"]) == (None, None, "not_collected")
    assert (beds["numerator"], beds["missing_reason"]) == (240, None)


def a_month_without_a_service_is_nil(hospice: Hospice) -> None:
    hospice.at("2026-12-02T09:00Z")
    form = hospice.form(NOVEMBER)
    labels = [row[0] for row in rows_of(form)]
    hospice.file(NOVEMBER).write_bytes(typed_in(form, {(labels.index("Nothing to report"), 1): "no_service"}, hospice.folder))
    sent = hospice.shell("returns", "submit", str(hospice.file(NOVEMBER)))
    assert sent.exit_code == 0, sent.output
    of_november = f"returns/hospice/{HOSPICE}/{NOVEMBER}"
    hospice.chief.post(f"{of_november}/sign-off", {"revision": 1})
    hospice.manager.post(f"{of_november}/acceptance")
    row = hospice.row(NOVEMBER, "E-BEDOCC")
    assert (row["numerator"], row["missing_reason"]) == (None, "not_applicable")
    stands = hospice.desk.get(of_november)
    assert [(revision["nil"], revision["nil_reason"]) for revision in stands["revisions"]] == [(True, "no_service")]


def a_correction_after_the_freeze_needs_a_reopening(hospice: Hospice) -> None:
    of_september = f"returns/hospice/{HOSPICE}/{SEPTEMBER}"
    hospice.at("2027-05-10T09:00Z")
    hospice.fill_in(SEPTEMBER, hospice.form_of(SEPTEMBER), month(beds=258))
    frozen = hospice.shell("returns", "submit", str(hospice.file(SEPTEMBER)))
    assert (frozen.exit_code, frozen.stderr.count("was frozen at 2027-04-26T16:00")) == (1, 1)
    assert "where a figure is wrong, ask the integrator to reopen the return for a while, and say why." in frozen.stderr
    leave = {"reason": "Six bed-days were found in an audit.", "expires_at": "2027-05-21T16:00:00Z"}
    hospice.desk.post(f"{of_september}/reopening", leave, status=403)
    hospice.manager.post(f"{of_september}/reopening", leave, status=201)
    (to_do,) = [each for each in hospice.desk.get(f"subcontracts/{HOSPICE}/due")["due"] if each["month"] == SEPTEMBER]
    assert to_do["words"].endswith("is reopened until 17:00 on Friday 21 May 2027, London time: send it by then.")
    hospice.at("2027-05-11T09:00Z")
    sent = hospice.shell("returns", "submit", str(hospice.file(SEPTEMBER)))
    assert (sent.exit_code, "revision 3" in sent.stdout) == (0, True), sent.output
    hospice.chief.post(f"{of_september}/sign-off", {"revision": 3})
    hospice.manager.post(f"{of_september}/acceptance", {"revision": 3})
    assert hospice.row(SEPTEMBER, "E-BEDOCC")["numerator"] == 258


def the_report_still_says_what_it_said(hospice: Hospice) -> None:
    content, as_of = hospice.told
    assert hospice.analyst.call("GET", f"reports/{SEPTEMBER}?as_of={as_of}").content == content
    assert hospice.analyst.call("GET", f"reports/{SEPTEMBER}").content != content


def the_quality_of_the_months_tells_the_story(hospice: Hospice) -> None:
    """September moved a little, October lacked a measure, November had nothing to report, and December was forgotten."""
    rows = {row["month"]: row for row in hospice.desk.get(f"quality?from={SEPTEMBER}&to=2026-12")["quality"]}
    told = {when: [row[name] for name in ("returns_on_time", "completeness_numerator", "index")] for when, row in rows.items()}
    assert told == {
        SEPTEMBER: [1, 11, Decimal("99.903226")],
        OCTOBER: [1, 7, Decimal("69.818182")],
        NOVEMBER: [1, 0, None],
        "2026-12": [0, 0, 0],
    }
    assert (rows[SEPTEMBER]["stability_denominator"], rows[SEPTEMBER]["stability"] < 1, rows[NOVEMBER]["missing_reason"]) == (
        5,
        True,
        "not_applicable",
    )
    (missed,) = hospice.manager.get(f"returns?overdue=true&subcontract={HOSPICE}&month=2026-12")["returns"]
    assert [contact["email"] for contact in missed["contacts"]] == ["information@h9901.example"]
