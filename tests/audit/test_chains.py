"""A chain that holds, and every way in which one does not, as values: nothing of a database."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.chains import Head, Walk, Witness
from app.audit.exports import ExportCheck, Unreadable, chain_line, closing_line, event_line, header_line, key_lines, signed_line
from app.audit.proofs import checkpoint_body, kept_in
from app.kernel.canonical import canonical_bytes
from app.kernel.events import FIRST_HASH, event_digest
from app.publications.signatures import key_id_of, public_key_of, signed

NOON = datetime(2026, 11, 13, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
KEYS = {key_id_of(public_key_of(KEY)): public_key_of(KEY)}


def chained(count: int = 5) -> list[dict[str, Any]]:
    events, previous = list[dict[str, Any]](), FIRST_HASH
    for number in range(1, count + 1):
        event = {"programme": "p", "sequence": number, "recorded_at": NOON + timedelta(minutes=number), "recorded_by": "c"}
        event |= {"action": "acted", "subject": {}, "details": {}, "client_programme": None, "previous_sha256": previous}
        previous = event["sha256"] = event_digest(event)
        events.append(event)
    return events


def head(events: list[dict[str, Any]]) -> Head:
    return Head(events[-1]["sequence"], events[-1]["sha256"])


def found(events: list[dict[str, Any]], end: Head | None, *witnesses: Witness) -> list[str]:
    walk = Walk("p", witnesses)
    said = [finding for event in events for finding in walk.follow(event)]
    return [f"{each.row}: {each.wrong}" for each in [*said, *walk.end(end)]]


def test_a_chain_that_holds_has_no_finding() -> None:
    events = chained()
    witnesses = [
        Witness(3, events[2]["sha256"], "a checkpoint"),
        Witness(None, events[1]["sha256"], "a reader"),
        Witness(0, FIRST_HASH, ""),
    ]
    assert found(events, head(events), *witnesses) == []
    assert found([], None) == found([], Head(0, FIRST_HASH)) == []


def test_only_the_first_break_of_a_chain_is_named() -> None:
    events = chained(9)
    assert found(events[:3] + events[4:], head(events)) == ["event 4: It is missing."]
    altered = [{**event, "action": "other"} if event["sequence"] in {2, 6} else event for event in events]
    assert found(altered, head(events)) == ["event 2: It is not what was recorded: its digest is that of something else."]
    (twice,) = found([*events, events[-1]], head(events))
    assert twice == "event 9: It stands twice."


def test_an_event_with_its_digest_worked_out_again_does_not_carry_the_next() -> None:
    events = chained()
    forged = {**events[1], "action": "other"}
    events[1] = {**forged, "sha256": event_digest(forged)}
    assert [each[:7] for each in found(events, head(events))] == ["event 3"]
    back = {**events[-1], "recorded_at": NOON}
    events = [*chained()[:-1], {**back, "sha256": event_digest(back)}]
    assert [each for each in found(events, head(events)) if "recorded before" in each]


def test_a_chain_written_anew_is_named_by_its_witnesses() -> None:
    true, events, previous = chained(), chained(), FIRST_HASH
    for event in events:
        event |= {"action": "other", "previous_sha256": previous}
        previous = event["sha256"] = event_digest(event)
    assert found(events, head(events)) == []
    assert [each[:7] for each in found(events, head(events), Witness(3, true[2]["sha256"], "publication 1"))] == ["event 3"]
    assert "the digest that a reader carries" in found(events, head(events), Witness(None, true[2]["sha256"], "a reader"))[0]
    cut = found(true[:2], head(true[:2]), Witness(4, true[3]["sha256"], "publication 1"))
    assert cut == ["event 4: It is missing: publication 1 was signed over it, and the chain ends at event 2."]


def test_the_end_of_a_chain_is_the_ledgers() -> None:
    events = chained()
    assert found(events[:4], head(events))[0].startswith("event 5: The ledger ends with it")
    assert "another than that of its last event" in found(events, Head(5, FIRST_HASH))[0]
    assert found(events, None) == ["event 5: The ledger has no row for this chain."]


def exported(events: list[dict[str, Any]]) -> list[bytes]:
    body = checkpoint_body("p", Head(2, events[1]["sha256"]), at=NOON, key_id=next(iter(KEYS)))
    statement = canonical_bytes({**body, "signature": signed(KEY, canonical_bytes(body))})
    lines = [header_line(["p"], at=NOON), chain_line("p", head(events)), *key_lines(KEYS), signed_line("checkpoint", statement)]
    return [*lines, *map(event_line, events), closing_line(len(events))]


def checked(lines: list[bytes], trusted: dict[str, str] | None = None) -> list[str]:
    return [each.wrong for each in ExportCheck(trusted).findings(lines)]


def test_a_kept_checkpoint_sees_through_an_export_made_anew() -> None:
    true = chained()
    body = checkpoint_body("p", head(true), at=NOON, key_id=next(iter(KEYS)))
    kept = kept_in([canonical_bytes({**body, "signature": signed(KEY, canonical_bytes(body))}), b"\n"])
    anew = [*exported(chained(3)[:2])]
    assert [each.wrong for each in ExportCheck(KEYS, kept).findings(exported(true))] == []
    assert checked(anew, KEYS) == []
    (cut,) = ExportCheck(KEYS, kept).findings(anew)
    assert (cut.row, cut.wrong[:65]) == ("event 5", "It is missing: the kept checkpoint at event 5 was signed over it,")
    # Another's key under the name of ours.
    other = public_key_of(Ed25519PrivateKey.from_private_bytes(b"o" * 32))
    renamed = [line.replace(next(iter(KEYS.values())).encode(), other.encode()) for line in exported(true)]
    assert {each.wrong for each in ExportCheck(None, kept).findings(renamed)} == {"The key that signed it is not known."}


def test_an_export_is_checked_with_nothing_but_itself_and_the_keys() -> None:
    lines = exported(chained())
    assert checked(lines) == checked(lines, KEYS) == []
    assert checked(lines, {}) == ["The key that signed it is not known."]
    assert checked(lines[:-1]) == ["The file breaks off: its last line is missing."]
    assert checked([*lines[:5], *lines[6:]])[0] == "It is missing."
    assert "counts another number" in checked([*lines[:5], *lines[6:]])[-1]
    forged = [line.replace(b'"sequence":2,"sha', b'"sequence":1,"sha') if b'"checkpoint"' in line else line for line in lines]
    assert checked(forged) == ["Its signature is not that of its key over what it says."]
    told_before = ["The file tells of this chain before, or its header does not name it."]
    assert checked([*lines[:-1], *lines[1:-1], closing_line(10)]) == told_before
    assert checked([header_line([], at=NOON), *lines[1:]]) == told_before
    assert checked([header_line(["p", "q"], at=NOON), *lines[1:]]) == ["The header names this chain, and the file does not tell of it."]


@pytest.mark.parametrize("lines", [[b"{}"], [b"["], [b'{"line":"header","format":"x"}'], [header_line([], at=NOON), b'{"line":"event"}']])
def test_what_is_no_export_is_said_to_be_none(lines: list[bytes]) -> None:
    with pytest.raises(Unreadable):
        checked(lines)


ALTERED: dict[str, tuple[bytes, bytes, str]] = {
    "a member twice in an event": (
        b'"action":"acted"',
        b'"action":"other","action":"acted"',
        "Line 5 is not strict JSON. A member of this name",
    ),
    "the event twice": (b'{"line":"event",', b'{"line":"event","event":{},', "Line 5 is not strict JSON. A member of this name"),
    "a member beside the event": (b'{"line":"event",', b'{"line":"event","note":"all is well",', "Line 5 says more or less"),
    "a member of the header": (b'{"line":"header",', b'{"line":"header","of":"another",', "Line 1 says more or less"),
    "a header without its moment": (b'"exported_at"', b'"exported_by"', "Line 1 says more or less"),
    "a member of a chain": (b'{"line":"chain",', b'{"line":"chain","name":"x",', "Line 2 says more or less"),
    "a member beside a key": (b'{"line":"key",', b'{"line":"key","of":"us",', "Line 3 says more or less"),
    "a member of a key": (b'"kty":"OKP"', b'"kty":"OKP","of":"us"', "Line 3 says more or less"),
    "a member of a signature": (b'"signature":{', b'"signature":{"by":"us",', "Line 4 says more or less"),
    "a member of the end": (b'{"line":"end",', b'{"line":"end","all":true,', "Line 10 says more or less"),
    "a line after the end": (b'"events":5}', b'"events":5}\n{"line":"end","events":5}', "Line 11 is none of an export"),
    "no number": (b'"events":5}', b'"events":NaN}', "Line 10 is not strict JSON. NaN"),
    "brackets without end": (
        b'{"line":"chain"',
        b"[" * 100_000 + b'\n{"line":"chain"',
        "Line 2 is not strict JSON. Arrays and objects nest",
    ),
    "another kind": (b'{"line":"chain"', b'{"line":["chain"]', "Line 2 is none of an export"),
}


@pytest.mark.parametrize("case", ALTERED)
def test_what_no_digest_is_of_is_not_in_an_export_that_holds(case: str) -> None:
    old, new, said = ALTERED[case]
    content = b"".join(exported(chained()))
    assert old in content
    with pytest.raises(Unreadable, match=re.escape(said)):
        checked(content.replace(old, new, 1).splitlines())


def test_a_kept_line_is_read_as_strictly() -> None:
    body = checkpoint_body("p", head(chained()), at=NOON, key_id=next(iter(KEYS)))
    line = canonical_bytes({**body, "signature": signed(KEY, canonical_bytes(body))})
    for altered in (b"[" * 100_000, line.replace(b'"chain":"p"', b'"chain":"q","chain":"p"')):
        with pytest.raises(ValueError, match="these hold none: 2"):
            kept_in([line, altered])
