"""The record as a file that anybody can check with no service and no database: JSON lines, each saying what it is.

A header that names the chains; then of each where it ends, the public keys, its checkpoints, the manifests of its publications, and its events.
The digest of an event is the SHA-256 of its JSON without `sha256`, in UTF-8, members sorted by name, nothing between the tokens.
"""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.audit.chains import Finding, Head, Walk, Witness
from app.audit.proofs import Keys, Manifests, Statement, held_against, unproven, without_chain, witness_of_checkpoint, witness_of_manifest
from app.kernel.canonical import json_bytes
from app.kernel.events import hashed_part
from app.publications.signatures import key_id_of, web_key
from app.web.intake import Malformed, parse

FORMAT: Final = "mainstem-audit/1"
FILE: Final = "the file"
_MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "header": frozenset({"line", "format", "exported_at", "chains"}),
    "chain": frozenset({"line", "chain", "sequence", "sha256"}),
    "key": frozenset({"line", "key"}),
    "checkpoint": frozenset({"line", "signed"}),
    "manifest": frozenset({"line", "signed"}),
    "event": frozenset({"line", "event"}),
    "end": frozenset({"line", "events"}),
}
"""What each line says: all of it, and nothing that no digest or signature would be of."""
_KEY: Final = frozenset(web_key(""))
_SIGNATURE: Final = frozenset({"algorithm", "key_id", "value"})


def header_line(chains: Sequence[str], *, at: datetime) -> bytes:
    return _line("header", {"format": FORMAT, "exported_at": at, "chains": list(chains)})


def chain_line(chain: str, head: Head) -> bytes:
    """Begins what is told of a chain: where it ends."""
    return _line("chain", {"chain": chain, "sequence": head.sequence, "sha256": head.sha256})


def key_lines(keys: Keys) -> Iterator[bytes]:
    return (_line("key", {"key": web_key(public_key)}) for public_key in keys.values())


def signed_line(kind: str, content: bytes) -> bytes:
    """A checkpoint or manifest, as it was signed."""
    return _line(kind, {"signed": json.loads(content, parse_float=Decimal)})


def event_line(event: Mapping[str, Any]) -> bytes:
    return _line("event", {"event": {**hashed_part(event), "sha256": event["sha256"]}})


def closing_line(events: int) -> bytes:
    return _line("end", {"events": events})


def _line(kind: str, said: Mapping[str, Any]) -> bytes:
    return json_bytes({"line": kind, **said}) + b"\n"


class Unreadable(ValueError):
    """The file is no such export; which line says so."""


class _Members(Exception):
    """A line has other members than one of its kind."""


def _require_members(line: Mapping[str, Any]) -> None:
    kind = line["line"]
    fits = line.keys() == _MEMBERS[kind]
    if fits and kind == "key":
        fits = line["key"].keys() == _KEY
    if fits and kind in {"checkpoint", "manifest"}:
        fits = line["signed"]["signature"].keys() == _SIGNATURE
    if not fits:
        raise _Members


class ExportCheck:
    """Checks an export line by line. `trusted` are keys that came another way; without them those in the file are believed. `kept` are checkpoints
    that came another way.
    """

    def __init__(self, trusted: Keys | None, kept: Sequence[Statement] = ()) -> None:
        self._trusted = trusted
        self._kept = kept
        self._told = set[str]()
        self._keys: dict[str, str] = {}
        self._missing: list[str] = []
        self._ended = False
        self._chain = ""
        self._head: Head | None = None
        self._witnesses: list[Witness] = []
        self._manifests = Manifests("", {})
        self._walk: Walk | None = None
        self.chains = 0
        self.events = 0

    def findings(self, lines: Iterable[bytes]) -> Iterator[Finding]:
        """Everything in the file that does not fit. Unreadable where it is no export."""
        for number, content in enumerate(lines, start=1):
            try:
                line = parse(content)
                _require_members(line)
                yield from self._header(line) if number == 1 else self._take(line)
            except Malformed as refusal:
                told = {fault.detail: None for fault in refusal.faults}
                raise Unreadable(f"Line {number} is not strict JSON. {' '.join(told)}") from refusal
            except _Members as error:
                raise Unreadable(f"Line {number} says more or less than such a line of an export does.") from error
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise Unreadable(f"Line {number} is none of an export of the record.") from error
        yield from self._finish()
        for chain in self._missing:
            yield Finding(chain, "event 1", "The header names this chain, and the file does not tell of it.")
        yield from without_chain(self._kept, self._told)
        if not self._ended:
            yield Finding(FILE, f"event {self.events}", "The file breaks off: its last line is missing.")

    def _header(self, line: Mapping[str, Any]) -> Iterator[Finding]:
        if (line["line"], line["format"]) != ("header", FORMAT):
            raise ValueError
        self._missing = list(line["chains"])
        return iter(())

    def _take(self, line: Mapping[str, Any]) -> Iterator[Finding]:
        if self._ended:
            raise ValueError
        match line["line"]:
            case "chain":
                yield from self._finish()
                if line["chain"] not in self._missing:
                    yield Finding(line["chain"], "event 1", "The file tells of this chain before, or its header does not name it.")
                self._begin(line["chain"], Head(line["sequence"], line["sha256"]))
            case "key":
                # What a key is called is worked out, never believed.
                self._keys[key_id_of(line["key"]["x"])] = line["key"]["x"]
            case "checkpoint" | "manifest":
                yield from self._signed(line["line"], line["signed"])
            case "event":
                self.events += 1
                walk = yield from self._set_out()
                yield from walk.follow(line["event"])
            case "end":
                self._ended = True
                if line["events"] != self.events:
                    yield Finding(FILE, f"event {self.events}", "Its last line counts another number of events.")
            case _:
                raise ValueError

    @property
    def _trusted_keys(self) -> Keys:
        return self._keys if self._trusted is None else self._trusted

    def _begin(self, chain: str, head: Head) -> None:
        self._missing = [each for each in self._missing if each != chain]
        self._chain, self._head, self._witnesses, self._walk = chain, head, [], None
        self._manifests = Manifests(chain, self._trusted_keys)
        self._told.add(chain)
        self.chains += 1

    def _signed(self, kind: str, document: Mapping[str, Any]) -> Iterator[Finding]:
        if kind == "manifest":
            yield from self._manifests.follow(document)
            self._witnesses.append(witness_of_manifest(document))
            return
        fault = unproven(document, self._trusted_keys)
        if fault is not None or document["chain"] != self._chain:
            yield Finding(self._chain, f"checkpoint at event {document['sequence']}", fault or "It is of another chain.")
        else:
            self._witnesses.append(witness_of_checkpoint(document))

    def _set_out(self) -> Generator[Finding, None, Walk]:
        """The walk along this chain, begun where it is not: its keys are known by now."""
        if self._walk is None:
            yield from held_against(self._kept, self._chain, self._trusted_keys, self._witnesses)
            self._walk = Walk(self._chain, self._witnesses)
        return self._walk

    def _finish(self) -> Iterator[Finding]:
        if self._chain:
            walk = yield from self._set_out()
            yield from walk.end(self._head)
