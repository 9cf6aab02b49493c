"""Walking every chain and whatever hangs on it, and naming the first row of each that does not fit. Changes nothing."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.orm import Session

from app.audit import verify_store as store
from app.audit.chains import Finding, Walk, Witness
from app.audit.proofs import Keys, Manifests, Statement, held_against, unproven, witness_of_checkpoint, witness_of_manifest
from app.calendar.store import load_contract
from app.configuration.document import normal_form, written_of
from app.db.ledger import NO_PROGRAMMES
from app.kernel.canonical import sha256
from app.kernel.events import ERASED
from app.kernel.moments import moment_text
from app.kernel.refusals import Refusal
from app.publications import key_store
from app.publications.domain import Audience
from app.publications.manifests import audience_named
from app.publications.signatures import key_id_of
from app.returns.submission import CellWarning, Submission, digest

Progress = Callable[[str], None]
_TOLD_EVERY: Final = 100_000
_PIECE_BYTES: Final = 1 << 20
_HEAD_BYTES: Final = 1 << 18
_REPORT: Final = b'],"report":'
_SAID: Final = ("sequence", "kind", "status", "supersedes", "inputs_sha256", "previous_sha256", "key_id")
_NO_WARNINGS: Final[tuple[CellWarning, ...]] = ()


@dataclass(slots=True)
class Told:
    """What the chain itself says: manifests that were published, contracts that were applied (by event, moment and digest, as far as they are
    written as we would write them), and that records were let go or words struck out by those who may.
    """

    published: dict[int, str] = field(default_factory=dict)
    applied: list[tuple[int, datetime, str]] = field(default_factory=list)
    let_go: bool = False
    erased: bool = False

    def hear(self, event: Mapping[str, Any]) -> None:
        match event["action"]:
            case "publication.published":
                self.published[int(event["subject"]["sequence"])] = event["details"]["manifest_sha256"]
            case "configuration.applied" if event["details"].get("normal_form") == normal_form():
                self.applied.append((event["sequence"], event["recorded_at"], event["details"]["after_sha256"]))
            case "retention.let_go":
                self.erased = True
                self.let_go |= event["details"]["kind"] == "records"
            case "personal_data.erased":
                self.erased = True


def chains(session: Session) -> list[str]:
    return store.chains(session)


def signing_keys(session: Session) -> dict[str, str]:
    """The public keys that the installation says it signed with, by their ids."""
    return {key.key_id: key.public_key for key in key_store.signing_keys(session)}


def verify_chain(
    session: Session, chain: str, *, trusted: Keys | None, kept: Iterable[Statement] = (), progress: Progress
) -> Iterator[Finding]:
    """What does not fit in a chain and in what hangs on it, in one steady look at the database.

    `trusted` are keys that came another way than through this database; without them its own are believed. `kept` are checkpoints that somebody
    kept elsewhere.
    """
    store.steady(session)
    own = signing_keys(session)
    for key_id, public_key in own.items():
        if key_id != key_id_of(public_key):
            yield Finding(chain, f"signing key {key_id}", "Its name is not that of its public half.")
    keys = own if trusted is None else trusted
    witnesses, published = list[Witness](), dict[int, str]()
    yield from held_against(kept, chain, keys, witnesses)
    yield from _checkpoints(session, chain, keys, witnesses)
    if chain not in NO_PROGRAMMES:
        progress(f"{chain}: publications")
        yield from _publications(session, chain, keys, witnesses, published)
    told = Told()
    yield from _walk(session, chain, witnesses, told, progress)
    if chain in NO_PROGRAMMES:
        return
    for sequence in sorted(told.published.keys() | published.keys()):
        if told.published.get(sequence) != published.get(sequence):
            wrong = (
                "It is missing." if sequence not in published else "Its manifest is not the one that the event of its publication names."
            )
            yield Finding(chain, f"publication {sequence}", wrong)
    progress(f"{chain}: contract")
    yield from _contracts(session, chain, told)
    progress(f"{chain}: revisions")
    yield from _revisions(session, chain, told)
    for table, moment in store.unrecorded(session, chain):
        yield Finding(chain, f"{table}, {moment_text(moment)}", "A row was added or closed then, and the record knows of no such act.")


def _checkpoints(session: Session, chain: str, keys: Keys, witnesses: list[Witness]) -> Iterator[Finding]:
    for row in store.checkpoints(session, chain):
        here, statement = f"checkpoint at event {row['sequence']}", _document(row["statement"])
        wrong = unproven(statement, keys) if statement else "It cannot be read."
        said = {
            "chain": chain,
            **{name: row[name] for name in ("sequence", "sha256", "key_id")},
            "signed_at": moment_text(row["recorded_at"]),
        }
        if wrong is None and {name: statement.get(name) for name in said} != said:
            wrong = "Its row says something else than what was signed."
        if wrong is None:
            witnesses.append(witness_of_checkpoint(statement))
        else:
            yield Finding(chain, here, wrong)


def _publications(session: Session, chain: str, keys: Keys, witnesses: list[Witness], published: dict[int, str]) -> Iterator[Finding]:
    manifests = Manifests(chain, keys)
    for row in store.publications(session, chain):
        here, manifest = f"publication {row['sequence']}", _document(row["manifest"])
        published[row["sequence"]] = sha256(row["manifest"])
        if sha256(row["manifest"]) != row["manifest_sha256"]:
            yield Finding(chain, here, "Its manifest is not the one that was signed: its bytes have another digest.")
        try:
            yield from _published(session, chain, row, manifest, manifests=manifests, witnesses=witnesses)
        except (KeyError, TypeError, ValueError, AttributeError):
            yield Finding(chain, here, "Its manifest cannot be read.")


def _published(
    session: Session, chain: str, row: Mapping[str, Any], manifest: Mapping[str, Any], *, manifests: Manifests, witnesses: list[Witness]
) -> Iterator[Finding]:
    yield from manifests.follow(manifest)
    witnesses.append(witness_of_manifest(manifest))
    said = {**{name: row[name] for name in _SAID}, "month": str(row["month"]), "programme": chain}
    said |= {name: moment_text(row[name]) for name in ("as_of", "published_at")}
    for name, value in said.items():
        if manifest.get(name) != value:
            yield Finding(chain, f"publication {row['sequence']}", f"Its row says another {name} than its manifest.")
    yield from _renditions(session, chain, manifest, witnesses)


def _renditions(session: Session, chain: str, manifest: Mapping[str, Any], witnesses: list[Witness]) -> Iterator[Finding]:
    sequence = int(manifest["sequence"])
    listed = {(each["audience"], each["audience_code"]): each["sha256"] for each in manifest["renditions"]}
    for row in store.renditions(session, chain, sequence):
        named = audience_named(Audience(row["audience_kind"], row["audience"]))
        here = f"rendition of publication {sequence} for {' '.join(str(part) for part in named.values() if part)}"
        wanted = listed.pop((named["audience"], named["audience_code"]), None)
        found, length, head = _content(row["compressed"])
        if wanted is None:
            yield Finding(chain, here, "The manifest does not know it.")
        elif (found, row["sha256"], row["length_bytes"]) != (wanted, wanted, length):
            yield Finding(chain, here, "It is not what was published: its bytes have another digest than the manifest says.")
        elif head.get("event_sha256") is not None:
            witnesses.append(Witness(None, head["event_sha256"], f"the {here}"))
    for audience, code in listed:
        yield Finding(chain, f"rendition of publication {sequence} for {audience} {code or ''}".rstrip(), "It is missing.")


def _content(compressed: bytes) -> tuple[str | None, int, Mapping[str, Any]]:
    """The digest and length of what a rendition is compressed from, a piece at a time, and what its head says; None where it cannot be read."""
    opening, said, length, tail, left = zlib.decompressobj(31), hashlib.sha256(), 0, b"", compressed
    try:
        while left:
            piece = opening.decompress(left, _PIECE_BYTES)
            left = opening.unconsumed_tail
            said.update(piece)
            length += len(piece)
            tail = (tail + piece)[-_HEAD_BYTES:]
        head = json.loads(b"{" + tail[tail.rindex(_REPORT) + 2 :])["report"]
    except (zlib.error, ValueError, KeyError):
        return None, length, {}
    return said.hexdigest(), length, head


def _walk(session: Session, chain: str, witnesses: list[Witness], told: Told, progress: Progress) -> Iterator[Finding]:
    walk = Walk(chain, witnesses)
    for number, event in enumerate(store.events_of(session, chain), start=1):
        yield from walk.follow(event)
        try:
            told.hear(event)
        except (KeyError, TypeError, ValueError, AttributeError):
            yield Finding(chain, f"event {event['sequence']}", "It does not say what an event of its kind says.")
        if number % _TOLD_EVERY == 0:
            progress(f"{chain}: {number} events")
    yield from walk.end(store.head(session, chain))


def _contracts(session: Session, chain: str, told: Told) -> Iterator[Finding]:
    """Each contract that was applied, as it stands in the tables now; what was erased or let go since is another."""
    for sequence, moment, wanted in [] if told.erased else told.applied:
        try:
            stands = sha256(written_of(load_contract(session, chain, as_of=moment)))
        except (Refusal, ValueError, KeyError, TypeError, AttributeError):
            stands = None
        if stands != wanted:
            yield Finding(chain, f"contract of event {sequence}", "Its lines are not those that were applied then.")
            return


def _revisions(session: Session, chain: str, told: Told) -> Iterator[Finding]:
    untold = store.untold_revision(session, chain, let_go=told.let_go)
    if untold is not None:
        yield Finding(chain, untold, "It and the event of its submission do not say the same, or one of them is missing.")
    for kept in store.revisions(session, chain):
        unread = told.erased and any(word is not None and ERASED in word for word in kept.words)
        stated = digest(Submission(kept.nil_reason, kept.note, kept.cells, _NO_WARNINGS))
        if len(kept.cells) != kept.cell_count or (stated != kept.content_sha256 and not unread):
            yield Finding(chain, kept.named, "Its cells are not those that were received: their digest is another.")
        if kept.deflated is not None and _sha256_of_deflated(kept.deflated) != kept.submitted_sha256:
            yield Finding(chain, kept.named, "The bytes kept of it are not those that its receipt names.")


def _sha256_of_deflated(deflated: bytes) -> str | None:
    try:
        return sha256(zlib.decompress(deflated))
    except zlib.error:
        return None


def _document(content: bytes) -> dict[str, Any]:
    """A signed document; an empty one where it is none."""
    try:
        document = json.loads(content, parse_float=Decimal)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
