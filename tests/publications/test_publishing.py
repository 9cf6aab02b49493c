"""A month is drafted, checked and published by two people; what was published never changes, and a correction takes its place with a notice."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import rfc8785

from app.kernel.canonical import canonical_bytes, sha256
from app.publications.json_schemas import SCHEMAS
from app.publications.notices import FIGURES, IDENTITY
from app.publications.signatures import is_proven
from tests.publications.conftest import ADDRESS, OCTOBER, Press, press, unzipped
from tests.reports.conftest import acute, document, of_62, of_fds
from tests.support.databases import Database
from tests.support.schemas import faults_of

NOVEMBER = "2026-11"


@pytest.fixture(scope="module")
def story(module_database: Database) -> Iterator[Press]:
    """October published, a return of it corrected, November published: October again in the same act."""
    with press(module_database) as made:
        made.publish(commentary="As it stands.")
        made.programme.at("2026-12-30T09:00")
        made.programme.send("SC-RJE", NOVEMBER, acute(of_62("urgent", 30, 40), of_fds(9, 10)))
        made.programme.send("SC-RL4", OCTOBER, acute(of_62("urgent", 18, 25), of_fds(10, 20)))
        made.programme.now = made.programme.now.replace(day=31)
        # What is said of it before is what is published with it.
        said = [made.edit(NOVEMBER).json(), made.check(NOVEMBER).json(), made.read(f"/drafts/{NOVEMBER}")]
        published = made.publish(NOVEMBER)
        issued = [
            {name: each[name] for name in ("month", "supersedes", "rows_changed")}
            for each in (*published["also"], published["publication"])
        ]
        assert all(each["publishes"] == issued for each in said)
        yield made


def codes(answer: Any) -> list[str]:
    told = answer.json()
    return [told["code"], *(each["code"] for each in told["errors"])]


def test_publishing_takes_two_people_and_the_very_draft_that_was_checked(own_press: Press) -> None:
    assert codes(own_press.issue()) == ["not_drafted", "not_drafted"]
    edited = own_press.edit(commentary="First.", by=own_press.manager)
    assert (edited.status_code, edited.json()["version"], edited.json()["outdated"]) == (201, 1, False)
    answer = own_press.issue()
    assert (answer.status_code, codes(answer)) == (409, ["same_person", "same_person", "not_checked"])
    assert codes(own_press.check())[0] == "same_person"
    digest, first = edited.json()["inputs_sha256"], [{"month": OCTOBER, "supersedes": None, "rows_changed": 0}]
    assert edited.json()["publishes"] == own_press.read(f"/drafts/{OCTOBER}")["publishes"] == first
    assert own_press.check(by=own_press.editor, digest="0" * 64).json()["errors"][0]["code"] == "draft_edited"
    assert own_press.check(by=own_press.editor, digest=digest).json()["checked_by"] is not None
    # A return that is accepted after the check is named, and nothing is published.
    own_press.programme.send("SC-RNA", OCTOBER, acute(of_62("urgent", 1, 2), of_fds(1, 2)))
    answer = own_press.issue(by=own_press.key("administrator"))
    assert codes(answer) == ["draft_outdated", "return_moved"]
    assert answer.json()["errors"][0]["detail"] == "The return cwt of SC-RNA for 2026-10 stands otherwise."
    looked_at = own_press.read(f"/drafts/{OCTOBER}")
    assert (looked_at["outdated"], looked_at["moved"][0]["code"]) == (True, "return_moved")
    assert own_press.read("")["publications"] == []
    # Edited anew it is another version, and must be checked anew.
    seen = own_press.edit(commentary="Words that were seen.").json()["inputs_sha256"]
    assert own_press.edit(commentary="Second.").json()["version"] == 3
    assert own_press.check(digest=seen).json()["errors"][0]["code"] == "draft_edited"
    assert codes(own_press.issue()) == ["not_checked", "not_checked"]
    assert own_press.issue(by=own_press.editor).status_code == 403
    checked = own_press.check()
    assert (checked.status_code, checked.json()["checked_at"] is None) == (200, False)
    made = own_press.issue()
    assert (made.status_code, made.headers["Location"]) == (201, f"{ADDRESS}/1")
    assert own_press.get(f"/drafts/{OCTOBER}").status_code == 404
    # Nothing has moved since.
    assert own_press.edit(commentary="Third.").json()["publishes"] == [{"month": OCTOBER, "supersedes": 1, "rows_changed": 0}]
    assert own_press.edit(commentary="Second.").json()["publishes"] == []
    assert own_press.check().json()["publishes"] == own_press.read(f"/drafts/{OCTOBER}")["publishes"] == []
    assert codes(own_press.issue())[0] == "nothing_to_publish"


def test_what_is_read_is_what_was_signed(story: Press) -> None:
    answer = story.get("/1", **{"Accept-Encoding": "gzip"})
    plain = story.get("/1", **{"Accept-Encoding": "identity"})
    assert (answer.headers["Content-Encoding"], "Content-Encoding" in plain.headers) == ("gzip", False)
    content = plain.content
    assert answer.content == content
    report = json.loads(content)
    assert content == rfc8785.dumps(report)
    digest = sha256(content)
    assert answer.headers["ETag"] == plain.headers["ETag"] == f'"{digest}"'
    assert answer.headers["X-Publication-SHA256"] == digest
    assert story.get("/1", **{"If-None-Match": f'"{digest}"'}).status_code == 304
    signature = report.pop("signature")
    (key,) = story.programme.web.get("/.well-known/mainstem-signing-keys.json").json()["keys"]
    assert (key["kty"], key["crv"], key["kid"]) == ("OKP", "Ed25519", signature["key_id"])
    assert is_proven(signature, rfc8785.dumps(report), key["x"])
    assert not is_proven(signature, rfc8785.dumps({**report, "links": {"a": "b"}}), key["x"])
    manifest = story.get("/1/manifest").json()
    assert {"audience": "programme", "audience_code": None, "sha256": digest} in manifest["renditions"]
    signed = manifest.pop("signature")
    assert is_proven(signed, rfc8785.dumps(manifest), key["x"])


def test_manifests_are_chained_and_witness_the_audit_chain(story: Press) -> None:
    manifests = [story.get(f"/{sequence}/manifest") for sequence in (1, 2, 3)]
    previous = "0" * 64
    for answer in manifests:
        assert answer.json()["previous_sha256"] == previous
        previous = sha256(answer.content)
        assert answer.headers["ETag"] == f'"{previous}"'
        event = answer.json()["event"]
        found = story.programme.database.superuser_engine
        with found.connect() as connection:
            told = connection.exec_driver_sql(
                "SELECT sha256 FROM events WHERE programme = 'small' AND sequence = %(sequence)s", {"sequence": event["sequence"]}
            ).scalar_one()
        assert told == event["sha256"]
    heads = [story.read(f"/{sequence}")["report"] for sequence in (1, 2, 3)]
    digests = [story.get(f"/{sequence}").headers["ETag"].strip('"') for sequence in (1, 2, 3)]
    assert [head["previous_sha256"] for head in heads] == [None, *digests[:2]]


def test_an_earlier_month_that_moved_is_published_in_the_same_act(story: Press) -> None:
    listed = story.read("")["publications"]
    told = [(each["sequence"], each["month"], each["kind"], each["supersedes"], each["superseded_by"]) for each in listed]
    assert told == [(1, OCTOBER, "first", None, 2), (2, OCTOBER, "trend", 1, None), (3, NOVEMBER, "first", None, None)]
    assert listed[1]["published_at"] == listed[2]["published_at"]
    assert story.read("/2")["report"]["commentary"] == "As it stands."
    assert not any(each["revision_pending"] for each in listed)
    latest = story.get("/latest")
    assert (latest.headers["Content-Location"], latest.content) == (f"{ADDRESS}/3", story.get("/3").content)
    assert latest.headers["Cache-Control"] == "private, no-cache"
    assert story.get(f"/latest?month={OCTOBER}").headers["Content-Location"] == f"{ADDRESS}/2"
    assert story.get("/latest?month=2026-09").status_code == 404


def test_the_feed_neither_misses_nor_repeats(story: Press) -> None:
    since, seen = 0, []
    while changes := (page := story.read(f"/changes?since={since}&limit=2"))["changes"]:
        seen += [each["sequence"] for each in changes]
        since = page["next"]
    assert (seen, since) == ([1, 2, 3], 3)
    assert story.read("/changes?since=3") == {"changes": [], "next": 3}


def test_a_notice_says_which_rows_moved_and_whose_revision_moved_them(story: Press) -> None:
    assert story.differences(1) == []
    told = story.differences(2)
    assert story.read("/2/differences")["rows_changed"] == len(told) == story.read("/changes?since=1")["changes"][0]["rows_changed"]
    (whole,) = (each for each in told if (each["slice"], each["period"], each["measure"]) == ("all", "month", "CWT-62"))
    assert (whole["change"], whole["before"]["numerator"], whole["after"]["numerator"]) == ("revised", 60, 61)
    assert whole["why"] == [
        {
            "kind": "revised", "collection": "cwt", "subcontract": "SC-RL4", "organisation_name": "Organisation RL4", "month": OCTOBER,
            "revision_before": 1, "revision": 2,
        }
    ]  # fmt: skip
    assert whole["sentence"] == (
        "62 days from referral to first treatment, October 2026: from 75.47% (60 of 79.5) to 76.73% (61 of 79.5), up 1.26 percentage points,"
        " better; coverage goes from 60.0% to 90.0%."
        " The cwt return of Organisation RL4 (SC-RL4) for October 2026 was revised (revision 2 replaces revision 1)."
        " The new figure is within the 95% limits of the one before (65.0% to 83.6%): so small a change can be chance variation."
    )
    # The gap that the second revision filled: a row without a value has one now.
    keys = ("slice", "period", "measure", "site", "commissioner", "subcontract")
    changes = {tuple(each[name] for name in keys): each["change"] for each in told}
    assert changes["commissioner+site", "month", "CWT-62", "prostate", "05G", "all"] == "revised"
    assert {each["measure"] for each in told} == {"CWT-62"}
    # Rows that no changed cell is part of read as they did.
    assert not any(each["subcontract"] == "SC-RJE" for each in told)


def test_a_party_is_told_only_causes_that_it_may_know(story: Press) -> None:
    stoke, other = story.key("commissioner", commissioner="05W"), story.key("preparer", subcontract="SC-RJE")
    own = story.key("preparer", subcontract="SC-RL4")
    assert {each["subcontract"] for each in story.differences(2, by=own)} == {"SC-RL4"}
    assert all(each["why"][0]["subcontract"] == "SC-RL4" for each in story.differences(2, by=own))
    assert story.differences(2, by=other) == []
    assert {each["commissioner"] for each in story.differences(2, by=stoke)} <= {"all", "05W"}
    assert story.differences(2, by=stoke)[0]["why"][0]["subcontract"] == "SC-RL4"
    # Why October was published again is what moved its figures, not why November was published; to each as far as it is its own.
    moved = "The cwt return of Organisation RL4 (SC-RL4) for October 2026 was revised (revision 2 replaces revision 1)."
    reasons = {by: [each["reason"] for each in story.read("/changes", by=by)["changes"]] for by in (story.manager, stoke, own, other)}
    assert reasons[story.manager] == reasons[stoke] == ["The month is complete.", moved, "The month is complete."]
    assert reasons[own] == [None, moved, None]
    assert reasons[other] == [None, "None of its figures reads otherwise.", None]
    assert [each["reason"] for each in story.read("", by=own)["publications"]] == reasons[own]
    # What a rendition notes is about its reader: a hospice counts nothing in halves.
    hospice = story.key("preparer", subcontract="SC-H9901")
    for by, measures in ((story.manager, ["CWT-62"]), (own, ["CWT-62"]), (hospice, [])):
        noted = [each["detail"] for each in story.read("/2", by=by)["notes"] if each["code"] == "approximate_intervals"]
        assert [each.partition(": ")[2].rstrip(".") for each in noted] == measures
    assert story.get("/2/manifest", by=stoke).status_code == 200
    absent = story.get("/9/manifest", by=own)
    assert (story.get("/2/manifest", by=own).status_code, absent.status_code) == (404, 404)
    rows = story.read("/2", by=own)["observations"]
    assert {row["subcontract"] for row in rows} == {"SC-RL4"}


def test_what_outsiders_keep_is_as_its_published_schema_says(story: Press) -> None:
    """A real document of each, and one that lacks what it must have."""
    web = story.programme.web
    path = f"/v1/programmes/small/returns/cwt/SC-RJE/{NOVEMBER}/revisions?dry_run=true"
    receipt = web.post(path, acute(of_62("urgent", 29, 40), of_fds(9, 10)), key=story.manager)
    assert receipt.status_code == 200, receipt.text
    documents = {
        "report": story.get("/2").content,
        "manifest": story.get("/2/manifest").content,
        "change-notice": story.get("/2/differences").content,
        "key-set": web.get("/.well-known/mainstem-signing-keys.json").content,
        "receipt": receipt.content,
    }
    assert {f"{name}-1.0.json" for name in documents} == set(SCHEMAS)
    for schema, document_ in documents.items():
        assert faults_of(document_, schema) == []
        whole = json.loads(document_)
        # Without its signature a rendition is a live report, for all that a schema knows.
        for member in whole.keys() - {"signature" if schema == "report" else ""}:
            assert faults_of(json.dumps({name: value for name, value in whole.items() if name != member}).encode(), schema), (
                schema,
                member,
            )


def test_what_was_published_stays_as_it_was(story: Press) -> None:
    kept = [unzipped_as_kept(story, sequence) for sequence in (1, 2, 3)]
    assert kept == [story.get(f"/{sequence}").content for sequence in (1, 2, 3)]


def unzipped_as_kept(story: Press, sequence: int) -> bytes:
    query = "SELECT compressed FROM renditions WHERE audience_kind = 'programme' AND sequence = %(sequence)s"
    with story.programme.database.superuser_engine.connect() as connection:
        return unzipped(connection.exec_driver_sql(query, {"sequence": sequence}).scalar_one())


def test_a_later_revision_is_announced_until_it_is_published(own_press: Press) -> None:
    own_press.publish()
    assert [each["revision_pending"] for each in own_press.read("")["publications"]] == [False]
    own_press.programme.send("SC-RNA", OCTOBER, acute(of_62("urgent", 1, 2), of_fds(1, 2)))
    assert [each["revision_pending"] for each in own_press.read("")["publications"]] == [True]
    # A commissioner is told that it waits, a subcontract only of its own.
    readers = {"05W": {"commissioner": "05W"}, "SC-RNA": {"subcontract": "SC-RNA"}, "SC-RJE": {"subcontract": "SC-RJE"}}
    keys = {code: own_press.key("commissioner" if "commissioner" in scope else "preparer", **scope) for code, scope in readers.items()}
    told = {code: own_press.read("", by=key)["publications"][0]["revision_pending"] for code, key in keys.items()}
    assert told == {"05W": True, "SC-RNA": True, "SC-RJE": False}
    published = own_press.publish()["publication"]
    assert (published["kind"], published["supersedes"], published["status"]) == ("correction", 1, "provisional")
    assert [each["revision_pending"] for each in own_press.read("")["publications"]] == [False, False]
    (late,) = (
        each for each in own_press.differences(2)
        if (each["slice"], each["period"], each["measure"], each["subcontract"]) == ("subcontract", "month", "CWT-62", "SC-RNA")
    )  # fmt: skip
    assert (late["change"], late["before"]["missing_reason"], late["why"][0]["kind"]) == ("first_reported", "late", "first_reported")
    # Frozen, the month is final, what is missing is named, and figures are as they were.
    own_press.programme.at("2027-02-01T09:00")
    published = own_press.publish()["publication"]
    assert (published["kind"], published["status"], published["supersedes"]) == ("final", "final", 2)


def test_the_public_is_given_what_disclosure_lets_through(story: Press) -> None:
    query = "SELECT compressed, differences FROM renditions WHERE audience_kind = 'public' AND sequence = 2"
    with story.programme.database.superuser_engine.connect() as connection:
        content, notice = (json.loads(unzipped(each)) for each in connection.exec_driver_sql(query).one())
    assert (content["report"]["audience"], content["report"]["commentary"]) == ("public", None)
    assert "small_counts" in {note["code"] for note in content["notes"]}
    assert any(row["suppression"] is not None for row in content["observations"])
    whole = [row for row in story.read("/2")["observations"] if row["subcontract"] == "all"]
    assert [row["slice"] for row in content["observations"]] == [row["slice"] for row in whole]
    assert not any(each["why"] for each in notice["differences"])


def test_the_public_is_told_of_no_subcontract_unless_the_programme_has_it_so(own_press: Press) -> None:
    """And whatever it was told before is known to it when it is told less, or more, later."""
    own, web, reader = own_press.programme, own_press.programme.web, own_press.key("preparer", subcontract="SC-RL4")
    live = f"/v1/programmes/small/reports/{OCTOBER}?rendition=public&slice=subcontract"
    for number, told in enumerate((False, True, False), start=1):
        configuration, key = "/v1/programmes/small/configuration", web.key("administrator")
        held = web.get(configuration, key=key)
        body = held.json()
        body["programme"]["publication"] = {"subcontracts_to_public": told}
        assert web.put(configuration, body, key=key, headers={"If-Match": held.headers["ETag"]}).status_code == 200
        own.send("SC-RNA", OCTOBER, acute(of_62("urgent", 10 + number, 50), of_fds(number, 20)))
        sequence = own_press.publish()["publication"]["sequence"]
        for by in (reader, own_press.key("commissioner", commissioner="05W"), own_press.manager):
            answer = own_press.get(f"/{sequence}?rendition=public", by=by)
            assert answer.status_code == 200
            assert (b"SC-RJE" in answer.content, b"SC-RL4" in answer.content) == (told, told)
            notice = own_press.get(f"/{sequence}/differences?rendition=public", by=by)
            assert (b"SC-RJE" in notice.content) == (number > 1)
        assert bool(web.get(live, key=own_press.manager).json()["observations"]) == told


def test_the_publics_change_notice_says_what_its_own_two_renditions_say_and_no_more(story: Press) -> None:
    before, after = (
        {tuple(row[name] for name in IDENTITY): row for row in story.read(f"/{sequence}?rendition=public")["observations"]}
        for sequence in (1, 2)
    )
    assert any(row["excludes"] for row in before.values())
    moved = {name for name in before if any(before[name][figure] != after[name][figure] for figure in FIGURES)}
    readers = (story.manager, story.key("commissioner", commissioner="05W"), story.key("preparer", subcontract="SC-RJE"))
    for by in readers:
        notice = story.read("/2/differences?rendition=public", by=by)
        assert (notice["audience"], notice["rows_changed"], notice["supersedes"]) == ("public", len(moved), 1)
        told = {tuple(each[name] for name in IDENTITY): each for each in notice["differences"]}
        assert told.keys() == moved
        for name, each in told.items():
            for side, rows in (("before", before), ("after", after)):
                assert each[side] == {member: rows[name][member] for member in each[side]}
            assert (each["why"], "revision" in each["sentence"], "SC-" in each["sentence"]) == ([], False, False)
    whole = told["all", "month", "CWT-62", *("all",) * 6]
    assert "from 75.47% (60 of 79.5) to 76.73% (61 of 79.5)" in whole["sentence"]
    assert any(each["after"]["suppression"] for each in told.values())
    assert story.read("/1/differences?rendition=public")["differences"] == []
    feed = story.read("/changes?rendition=public")["changes"]
    assert [(each["sequence"], each["rows_changed"], each["reason"]) for each in feed] == [
        (1, 0, None),
        (2, len(moved), f"Of the rows that the public reads, {len(moved)} read otherwise."),
        (3, 0, None),
    ]
    assert [each["sha256"] for each in story.read("?rendition=public")["publications"]] == [
        story.get(f"/{sequence}?rendition=public").headers["ETag"].strip('"') for sequence in (1, 2, 3)
    ]
    assert story.get("/2/differences?rendition=secret").status_code == story.get("/changes?rendition=secret").status_code == 422


def test_a_public_notice_that_was_kept_with_its_causes_is_told_without_them(own_press: Press) -> None:
    own_press.publish()
    own_press.programme.send("SC-RNA", OCTOBER, acute(of_62("urgent", 40, 50), of_fds(12, 20)))
    own_press.publish()
    asked, feed = "/2/differences?rendition=public", own_press.read("/changes?rendition=public")
    notice, reason = own_press.read(asked), own_press.read("/changes")["changes"][1]["reason"]
    because = {tuple(each[name] for name in IDENTITY): each["why"] for each in own_press.differences(2)}
    kept = [
        {**each, "why": because[tuple(each[name] for name in IDENTITY)], "sentence": f"{each['sentence']} {reason} It can be chance."}
        for each in notice["differences"]
    ]
    assert all(each["why"] for each in kept)
    with own_press.programme.database.superuser_engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        planted = "UPDATE renditions SET reason = %s, differences = %s WHERE audience_kind = 'public' AND sequence = 2"
        connection.exec_driver_sql(planted, (reason, gzip.compress(canonical_bytes({**notice, "differences": kept}))))
    assert own_press.read("/changes?rendition=public") == feed
    told = own_press.read(asked)["differences"]
    assert [{**each, "sentence": ""} for each in told] == [{**each, "sentence": ""} for each in notice["differences"]]
    for each, before in zip(told, notice["differences"], strict=True):
        # What can be chance is left out too.
        assert f"{before['sentence']} ".startswith(f"{each['sentence']} ")
        assert "October 2026" in each["sentence"]
    assert reason not in own_press.get(f"{asked}&format=csv").text


def test_a_change_notice_is_a_table_too(story: Press) -> None:
    for query, by in (("", story.manager), ("", story.key("commissioner", commissioner="05W")), ("rendition=public&", story.manager)):
        table = story.get(f"/2/differences?{query}format=csv", by=by)
        found = list(csv.DictReader(io.StringIO(table.text, newline="")))
        told = story.read(f"/2/differences?{query}", by=by)["differences"]
        assert [[line[name] for name in (*IDENTITY, "change", "sentence")] for line in found] == [
            [each[name] for name in (*IDENTITY, "change", "sentence")] for each in told
        ]
        for line, each in zip(found, told, strict=True):
            for side in ("before", "after"):
                for name in FIGURES:
                    value = each[side][name] if each[side] else None
                    assert line[f"{side}_{name}"] == ("" if value is None else str(value)), name
        assert {line["why"] for line in found} == ({""} if query else {"revised cwt SC-RL4 2026-10 revision 2"})
        assert {(line["report_month"], line["sequence"], line["supersedes"]) for line in found} == {(OCTOBER, "2", "1")}
        path = f"/2/differences?{query}"
        again = story.get(f"{path}format=csv", by=by, If_None_Match=table.headers["ETag"])
        assert (again.status_code, story.get(path, by=by, Accept="text/csv").content) == (304, table.content)
        assert table.headers["ETag"] != story.get(path, by=by).headers["ETag"]
        assert table.headers["Content-Disposition"].endswith(' changes.csv"')
    assert story.get("/1/differences?format=csv").text.count("\n") == 1
    assert story.get("/2/differences?format=xlsx").status_code == 422
    assert story.get("/2/differences", Accept="image/png").status_code == 406


def test_a_trial_of_the_contract_names_the_publications_that_it_would_touch(story: Press) -> None:
    (asked,) = document()["requirements"]
    lower = [{"from_month": OCTOBER, "standard": 0.85, "interim": 0.5}]
    for targets, touched in ((asked["targets"], []), (lower, [2, 3])):
        changed = document(requirements=[{**asked, "targets": targets}])
        answer = story.programme.web.put(
            "/v1/programmes/small/configuration?dry_run=true", changed, key=story.programme.key("administrator")
        )
        assert answer.json()["effects"]["publications_touched"] == touched


@pytest.mark.parametrize("reader", [("commissioner", {"commissioner": "05W"}), ("preparer", {"subcontract": "SC-RL4"}), ("auditor", {})])
def test_every_reader_lists_its_own(story: Press, reader: tuple[str, dict[str, str]]) -> None:
    role, scope = reader
    key = story.key(role, **scope)
    listed = story.read("", by=key)["publications"]
    assert [(each["sequence"], each["superseded_by"], each["revision_pending"]) for each in listed] == [
        (1, 2, False),
        (2, None, False),
        (3, None, False),
    ]
    for each in listed:
        answer = story.get(f"/{each['sequence']}", by=key)
        assert (answer.headers["ETag"], answer.headers["X-Publication-SHA256"]) == (f'"{each["sha256"]}"', each["sha256"])
