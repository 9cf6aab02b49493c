"""The renditions of a publication: for each audience the rows that it may read, as canonical bytes that are compressed once and signed.

A rendition is kept as one gzip stream in which every part (the rows of a slice and period) begins and ends at a full flush: so a part is read
without the rest. The stream is a form of keeping only; digest and signature are of the JSON itself.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.calendar.contract import Contract
from app.kernel.canonical import canonical_bytes, canonical_text, sha256
from app.kernel.codes import ALL
from app.kernel.months import Month, overlap
from app.organisations.domain import codes_readable_by
from app.programmes.domain import ancestors
from app.publications.domain import OF_PROGRAMME, Audience, Part
from app.reports.public import NAMING_SUBCONTRACTS, unnamed

_LEVEL: Final = 6
_GZIP: Final = 31
_RAW: Final = -15
_HEADER: Final = b"\x1f\x8b\x08" + bytes(6) + b"\x03"
"""Of a gzip stream that names no file and no moment, so that equal bytes make an equal stream."""

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
        return [note for note in notes if names_any or note["code"] not in NAMING_SUBCONTRACTS]


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


@dataclass(frozen=True, slots=True)
class Body:
    """A rendition but for its links, head and signature, which only its publication knows: the middle of its stream, and where in that its parts are."""

    audience: Audience
    compressed: bytes
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is worked out of a rendition before it is published: its body, why its rows read otherwise as far as its audience may know, how many do, and
    the entries of its change notice, as the middle of a stream.
    """

    body: Body
    reason: str | None
    rows_changed: int
    differences: bytes


class Writer:
    """Writes the body of one audience's rendition part by part; only its compressed form is held."""

    def __init__(self, readership: Readership, notes: Iterable[Row]) -> None:
        self.readership: Final = readership
        self._chunks = [packed(f',"notes":{canonical_text(readership.notes(notes))},"observations":['.encode())]
        self._packed = len(self._chunks[0])
        self._parts: list[Part] = []

    def add(self, slice_: str, period: str, rows: Sequence[tuple[Row, str]]) -> None:
        """The rows of a slice and period, each with its canonical text: those that this audience reads, in the order given."""
        reader = self.readership
        shown = [(reader.shown(row), row, text) for row, text in rows if reader.reads(row)]
        texts = [text if read is row else canonical_text(read) for read, row, text in shown]
        first = self._packed
        if texts:
            self._chunks.append(packed(f"{',' if any(part.rows for part in self._parts) else ''}{','.join(texts)}".encode()))
            self._packed += len(self._chunks[-1])
        self._parts.append(Part(slice_, period, len(texts), first, self._packed))

    def body(self) -> Body:
        return Body(self.readership.audience, b"".join(self._chunks), tuple(self._parts))


def packed(content: bytes, *, ends: bool = False) -> bytes:
    """A piece of a stream, which is read without the others; the last one ends it."""
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    return stream.compress(content) + stream.flush(zlib.Z_FINISH if ends else zlib.Z_FULL_FLUSH)


def stream_of(opening: bytes, middle: bytes, end: Callable[[bytearray], None]) -> tuple[bytes, bytearray]:
    """A gzip stream around a middle that is compressed already, and the bytes that it holds, once they are ended in place."""
    content = bytearray(opening) + zlib.decompressobj(_RAW).decompress(middle)
    before_end = len(content)
    end(content)
    check = struct.pack("<II", zlib.crc32(content), len(content) % 2**32)
    return b"".join((_HEADER, packed(opening), middle, packed(bytes(content[before_end:]), ends=True), check)), content


def rendition_of(body: Body, links: Mapping[str, str], head: Mapping[str, Any], *, schema_version: str, sign: Sign | None) -> Rendition:
    """A body with what its publication says of it, signed; a preview is not."""
    opening = b'{"links":%s' % canonical_bytes(links)

    def end(content: bytearray) -> None:
        content += b'],"report":%s,"schema_version":%s}' % (canonical_bytes(head), canonical_bytes(schema_version))
        if sign is not None:
            content[-1:] = b',"signature":%s}' % canonical_bytes(sign(content))

    compressed, content = stream_of(opening, body.compressed, end)
    before = len(_HEADER) + len(packed(opening))
    parts = tuple(part._replace(first=part.first + before, last=part.last + before) for part in body.parts)
    return Rendition(body.audience, compressed, sha256(content), len(content), parts)


def notice_of(head: Mapping[str, Any], differences: bytes) -> bytes:
    """A change notice as gzip: what is said of it around its entries, which are compressed already."""
    before = {name: value for name, value in head.items() if name < "differences"}
    after = {name: value for name, value in head.items() if name > "differences"}
    opening = b'%s,"differences":' % canonical_bytes(before)[:-1]
    return stream_of(opening, differences, lambda content: content.extend(b",%s" % canonical_bytes(after)[1:]))[0]


def inflated(compressed: bytes) -> bytes:
    """The bytes of a gzip stream, or of its beginning."""
    return zlib.decompressobj(_GZIP).decompress(compressed)


def rows_of_part(packed: bytes) -> bytes:
    """The rows of a part as a JSON array, out of the bytes of the compressed stream that hold them."""
    return b"[%s]" % zlib.decompressobj(_RAW).decompress(packed).removeprefix(b",")
