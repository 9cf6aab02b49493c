"""The renditions of a publication: for each audience the rows that it may read, as canonical bytes that are compressed once and signed.

A rendition is kept as one gzip stream in which every part (the rows of a slice and period) begins and ends at a full flush: so a part is read
without the rest. The stream is a form of keeping only; digest and signature are of the JSON itself.
"""

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.calendar.contract import Contract
from app.kernel.canonical import canonical_bytes, canonical_text
from app.kernel.codes import ALL
from app.kernel.months import Month, overlap
from app.organisations.domain import codes_readable_by
from app.programmes.domain import ancestors
from app.publications.domain import OF_PROGRAMME, Audience, Part

_LEVEL: Final = 6
_GZIP: Final = 31
_RAW: Final = -15
_UNNAMED: Final = frozenset({"carries_no_weight", "unsigned"})
"""Notes that name subcontracts."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Readership:
    """Which rows an audience reads, and whether they may name subcontracts to it; `populations` are those that a commissioner reads.

    The public's rows are what disclosure lets through.
    """

    audience: Audience
    populations: frozenset[str] = frozenset()
    subcontracts_shown: bool = True

    def reads(self, row: Row) -> bool:
        match self.audience.kind:
            case "commissioner":
                return row["commissioner"] in self.populations and (self.subcontracts_shown or row["subcontract"] == ALL)
            case "subcontract":
                return bool(row["subcontract"] == self.audience.code)
            case _:
                return True

    def shown(self, row: Row) -> Row:
        """The row as this audience reads it."""
        return row if self.subcontracts_shown else unnamed(row)

    def notes(self, notes: Iterable[Row]) -> list[Row]:
        """Those of a report that this audience is told; a subcontract's are its own from the start."""
        names_any = self.audience.kind != "public" and self.subcontracts_shown
        return [note for note in notes if names_any or note["code"] not in _UNNAMED]


def unnamed(row: Row) -> Row:
    """The row without whose figures it lacks: `SC-A late, SC-B late` as `2 late`."""
    if row["excludes"] is None:
        return row
    reasons = Counter(each.partition(" ")[2] for each in row["excludes"].split(", "))
    return {**row, "excludes": ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))}


def readerships(contract: Contract, months: Sequence[Month], *, subcontracts_shown: bool) -> list[Readership]:
    """Who reads what is published of a month that looks back over these months: the programme, and every party that is in force in one of them.

    A commissioner reads its own rows, those of its parts and of the commissioners that it has succeeded in law, and the programme's totals.
    """
    first, last = months[0], months[-1]
    parents = {line.ods_code: line.parent for line in contract.commissioners}
    found = [Readership(OF_PROGRAMME)]
    for line in contract.commissioners:
        if overlap((line.from_month, line.to_month), (first, last)):
            own = codes_readable_by(line.ods_code, contract.successions, on=last.last_day)
            parts = {code for code in parents if own & {code, *ancestors(code, parents)}}
            found.append(Readership(Audience("commissioner", line.ods_code), frozenset({*own, *parts, ALL}), subcontracts_shown))
    delivering = [each for each in contract.subcontracts if each.first_month <= last and each.last_month >= first]
    return [*found, *(Readership(Audience("subcontract", each.reference)) for each in delivering)]


@dataclass(frozen=True, slots=True)
class Rendition:
    """What is kept of a rendition: the gzip stream of its bytes, their digest and length, and where its parts are."""

    audience: Audience
    compressed: bytes
    sha256: str
    length_bytes: int
    parts: tuple[Part, ...]


Sign = Callable[[bytes | bytearray], dict[str, str]]
"""The member `signature` for some bytes."""


class Writer:
    """Writes one audience's rendition part by part; only its compressed form is held."""

    def __init__(self, readership: Readership, notes: Iterable[Row], links: Mapping[str, str]) -> None:
        self.readership: Final = readership
        self._stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._chunks: list[bytes] = []
        self._packed = 0
        self._parts: list[Part] = []
        self._write(f'{{"links":{canonical_text(links)},"notes":{canonical_text(readership.notes(notes))},"observations":['.encode())

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self._parts)

    def _write(self, content: bytes) -> None:
        chunk = self._stream.compress(content) + self._stream.flush(zlib.Z_FULL_FLUSH)
        self._chunks.append(chunk)
        self._packed += len(chunk)

    def add(self, slice_: str, period: str, rows: Sequence[tuple[Row, str]]) -> None:
        """The rows of a slice and period, each with its canonical text: those that this audience reads, in the order given."""
        reader = self.readership
        shown = [(reader.shown(row), row, text) for row, text in rows if reader.reads(row)]
        texts = [text if read is row else canonical_text(read) for read, row, text in shown]
        first = self._packed
        if texts:
            self._write(f"{',' if self.rows else ''}{','.join(texts)}".encode())
        self._parts.append(Part(slice_, period, len(texts), first, self._packed))

    def finish(self, head: Mapping[str, Any], *, schema_version: str, sign: Sign | None) -> Rendition:
        """Close the rendition with its head and signature; a preview has none."""
        content, opening = bytearray(), zlib.decompressobj(_GZIP)
        for chunk in self._chunks:
            content += opening.decompress(chunk)
        written = len(content)
        content += b'],"report":%s,"schema_version":%s}' % (canonical_bytes(head), canonical_bytes(schema_version))
        signature = b"" if sign is None else b',"signature":%s' % canonical_bytes(sign(content))
        content[-1:] = b"%s}" % signature
        digest, ending = hashlib.sha256(content).hexdigest(), bytes(content[written:])
        compressed = b"".join((*self._chunks, self._stream.compress(ending), self._stream.flush()))
        return Rendition(self.readership.audience, compressed, digest, len(content), tuple(self._parts))


def inflated(compressed: bytes) -> bytes:
    """The bytes of a gzip stream, or of its beginning."""
    return zlib.decompressobj(_GZIP).decompress(compressed)


def rows_of_part(packed: bytes) -> bytes:
    """The rows of a part as a JSON array, out of the bytes of the compressed stream that hold them."""
    return b"[%s]" % zlib.decompressobj(_RAW).decompress(packed).removeprefix(b",")
