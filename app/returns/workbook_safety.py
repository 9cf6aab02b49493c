"""Whether a workbook may be opened at all: its sizes before it is unpacked, and nothing in it that runs, links, hides or cannot be read.

A workbook is a ZIP of XML parts (ECMA-376). They are streamed through a parser that refuses declarations, so nothing is expanded.
"""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Final, NamedTuple
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from app.kernel.identifiers import identifiers_in
from app.kernel.refusals import Fault
from app.returns.file_faults import file_fault
from app.returns.intake import invalid

MOST_PARTS: Final = 1_000
MOST_UNPACKED_BYTES: Final = 64 * 1024 * 1024
"""In all; a month's template of five thousand lines unpacks to three million."""
MOST_ELEMENTS: Final = 1_000_000
"""Of all parts together: each costs a microsecond or two."""
DEEPEST: Final = 64
"""So deep may elements stand in each other; spreadsheet programs nest a dozen."""
_MOST_RATIO: Final = 200
_SMALL_BYTES: Final = 1024 * 1024
"""A part no larger than this may be packed ever so tightly."""

_OLD_FORMAT: Final = b"\xd0\xcf\x11\xe0"
_ZIP: Final = b"PK\x03\x04"
_CONTENT_TYPES: Final = "[content_types].xml"
_MAIN: Final = "spreadsheetml.sheet.main+xml"
_READABLE: Final = re.compile(r".*\.(xml|rels|vml)|.*(printersettings|customproperty)[^/]*\.bin")
_REFUSED_PARTS: Final = {
    "file_macros": re.compile(r".*(vbaproject|vbadata|macrosheets/|dialogsheets/).*"),
    "file_external_links": re.compile(r".*(externallinks/|querytables/|/connections\.xml).*"),
    "file_embedded": re.compile(r".*(/embeddings/|/activex/|/ctrlprops/).*"),
    "file_pictures": re.compile(r".*\.(png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|webp)"),
}
_REFUSED_TYPES: Final = re.compile(r".*(macroenabled|vbaproject|macrosheet).*")
_LINKING: Final = ("externalLink", "externalLinkPath", "connections", "queryTable")
# What a defective or hostile archive makes the standard library raise.
_DAMAGED: Final = (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, LookupError, OverflowError)

Start = Callable[[str, Mapping[str, str]], None]


class Relation(NamedTuple):
    """How one part refers to another: by which id, as what, and to which part; None to what is outside."""

    id: str
    kind: str
    part: str | None


class Package:
    """The parts of a workbook by their names in small letters."""

    def __init__(self, archive: ZipFile, parts: Mapping[str, ZipInfo]) -> None:
        self.archive = archive
        self.parts = parts
        self.elements = 0
        self.faults: list[Fault] = []
        """What was found in remarks, which are no part of any element."""

    def parse(
        self, name: str, *, start: Start, end: Callable[[str], None] = lambda _: None, text: Callable[[str], None] = lambda _: None
    ) -> None:
        """Stream a part; elements and attributes come by their local names. ReturnInvalid where it is not there or no plain XML."""
        depth = 0

        def counted(element: str, attributes: Mapping[str, str]) -> None:
            nonlocal depth
            self.elements += 1
            depth += 1
            if depth > DEEPEST:
                raise broken()
            if self.elements > MOST_ELEMENTS:
                raise invalid([file_fault("file_too_large", most=MOST_ELEMENTS, what="elements")])
            start(_local(element), {_local(key): value for key, value in attributes.items()})

        def ended(element: str) -> None:
            nonlocal depth
            depth -= 1
            end(_local(element))

        def remarked(remark: str) -> None:
            what = "a remark between the elements of a part"
            self.faults += [file_fault("patient_identifier_in", found=found, what=what) for found in identifiers_in(remark)]

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_declarations
        parser.StartElementHandler = counted
        parser.EndElementHandler = ended
        parser.CharacterDataHandler = text
        parser.CommentHandler = remarked
        parser.ProcessingInstructionHandler = lambda _, instruction: remarked(instruction)
        try:
            with self.archive.open(self.parts[name]) as part:
                parser.ParseFile(part)
        except (expat.ExpatError, *_DAMAGED):
            raise broken() from None

    def content(self, name: str) -> bytes:
        try:
            return self.archive.read(self.parts[name])
        except _DAMAGED:
            raise broken() from None

    def relations(self, name: str) -> list[Relation]:
        """What a part refers to; of the whole package where the name is empty."""
        folder, own = name.rpartition("/")[0], relations_part(name)
        found: list[Relation] = []

        def start(element: str, said: Mapping[str, str]) -> None:
            if element == "Relationship":
                outside = said.get("TargetMode") == "External"
                part = None if outside else _resolved(said.get("Target", ""), folder)
                found.append(Relation(said.get("Id", ""), said.get("Type", "").rpartition("/")[2], part))

        if own in self.parts:
            self.parse(own, start=start)
        return found


def relations_part(name: str) -> str:
    """The part that says what another refers to."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/_rels/{file}.rels".removeprefix("/")


def broken() -> Exception:
    """The refusal of a workbook that no program would read."""
    return invalid([file_fault("file_broken")])


def _refuse_declarations(*_: object) -> None:
    raise invalid([file_fault("file_declarations")])


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _resolved(target: str, folder: str) -> str:
    """The part that a reference names, from the folder of the one that refers."""
    parts = [] if target.startswith("/") else [part for part in folder.split("/") if part]
    for part in target.lower().split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def open_package(content: bytes) -> Package:
    """A workbook that may be read; ReturnInvalid with all that speaks against it."""
    if not content:
        raise invalid([file_fault("file_empty")])
    if content.startswith(_OLD_FORMAT):
        raise invalid([file_fault("file_encrypted")])
    if not content.startswith(_ZIP):
        raise invalid([file_fault("file_not_xlsx")])
    try:
        archive = ZipFile(BytesIO(content))
    except _DAMAGED:
        raise broken() from None
    package = Package(archive, _parts(archive.infolist()))
    faults = list(dict.fromkeys(_refused(package)))
    if faults:
        raise invalid(faults)
    return package


def _parts(entries: list[ZipInfo]) -> dict[str, ZipInfo]:
    """The parts by name, once it is known that they are few, small, plain and told apart."""
    if len(entries) > MOST_PARTS:
        raise invalid([file_fault("file_too_large", most=MOST_PARTS, what="parts")])
    unpacked = sum(entry.file_size for entry in entries)
    swollen = any(entry.file_size > max(_SMALL_BYTES, _MOST_RATIO * entry.compress_size) for entry in entries)
    if unpacked > MOST_UNPACKED_BYTES or swollen:
        raise invalid([file_fault("file_too_large", most=MOST_UNPACKED_BYTES, what="bytes unpacked, or far more than it would")])
    if any(entry.flag_bits & 1 for entry in entries):
        raise invalid([file_fault("file_encrypted")])
    parts = {entry.filename.lower(): entry for entry in entries}
    plain = all(entry.compress_type in {ZIP_STORED, ZIP_DEFLATED} for entry in entries)
    if len(parts) < len(entries) or not plain or any(name.startswith("/") or "\\" in name or ".." in name for name in parts):
        raise broken()
    if "mimetype" in parts or _CONTENT_TYPES not in parts:
        raise invalid([file_fault("file_not_xlsx")])
    return {name: entry for name, entry in parts.items() if not entry.is_dir()}


def _refused(package: Package) -> Iterator[Fault]:
    types: list[str] = []
    package.parse(_CONTENT_TYPES, start=lambda _, said: types.append(said.get("ContentType", "").lower()))
    if any(_REFUSED_TYPES.fullmatch(kind) and "binary" not in kind for kind in types):
        yield file_fault("file_macros")
    elif not any(kind.endswith(_MAIN) for kind in types):
        yield file_fault("file_not_xlsx")
    for name in package.parts:
        refused = [code for code, pattern in _REFUSED_PARTS.items() if pattern.fullmatch(name)]
        if not refused and not _READABLE.fullmatch(name):
            refused = ["file_embedded"]
        yield from map(file_fault, refused)
        if name.endswith(".rels"):
            source = name.replace("_rels/", "").removesuffix(".rels")
            relations = package.relations(source)
            if any(kind in _LINKING or (part is None and kind != "hyperlink") for _, kind, part in relations):
                yield file_fault("file_external_links")
