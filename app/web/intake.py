"""Strict JSON from raw bytes: nothing lost, nothing coerced, and every place that is wrong is named."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, ClassVar, Final

from app.kernel.refusals import Fault, Kind, Refusal

DEEPEST: Final = 32
MOST_DIGITS: Final = 40
MOST_VALUES: Final = 100_000
"""Of all arrays and objects together: eight times as many as the largest programme states. Each is held, and may be wrong in many ways."""
MOST_FAULTS: Final = 1000
"""Of the faults of one body so many are named; the last one says that there are more."""
_MOST_NUMBERS: Final = 10_000

# What a pointer may repeat of a member's name: short and plain, and never so many digits that it could identify a person.
_PLAIN_NAME: Final = re.compile(r"(?!.*[0-9]{6})[A-Za-z0-9_][A-Za-z0-9_./~+:-]{0,63}\Z")
_SUSPECT_ESCAPE: Final = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
_BOM: Final = b"\xef\xbb\xbf"


class Malformed(Refusal):
    """The body is not JSON as RFC 8259 and RFC 7493 (I-JSON) have it."""

    code: ClassVar[str] = "malformed_json"
    kind: ClassVar[Kind] = Kind.MALFORMED
    title: ClassVar[str] = "The body is not strict JSON"


class _Refused:
    """Stands where a number that is not accepted stood."""

    __slots__ = ("fault",)

    def __init__(self, code: str, detail: str, fix: str) -> None:
        self.fault = (code, detail, fix)


class _Read(dict[str, Any]):
    """Numbers by their texts, each of the first texts read once: a thousand cells state few different figures."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> Any:
        value = self._read(text)
        if len(self) < _MOST_NUMBERS:
            self[text] = value
        return value


class _Reader:
    """The hooks of one reading; they note what is wrong so that only then the value is walked to find where."""

    def __init__(self) -> None:
        self.refused = False
        self.repeated: dict[int, list[str]] = {}

    def decoder(self, *, pairs: bool) -> json.JSONDecoder:
        """A decoder of numbers and, where asked for, of repeated members, whose hook costs more than all the rest."""
        return json.JSONDecoder(
            object_pairs_hook=self.members if pairs else None,
            parse_int=_Read(self.whole).__getitem__,
            parse_float=_Read(self.decimal).__getitem__,
            parse_constant=self.constant,
        )

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs) and len(self.repeated) <= MOST_FAULTS:
            # An object that holds the result keeps its identity, unless a later member of the same name replaced it.
            times = Counter(name for name, _ in pairs)
            self.repeated[id(value)] = [name for name, count in times.items() if count > 1]
        return value

    def whole(self, text: str) -> int | _Refused:
        return int(text) if len(text) <= MOST_DIGITS else self._too_long()

    def decimal(self, text: str) -> Decimal | _Refused:
        if len(text) <= MOST_DIGITS + 8:
            try:
                value = Decimal(text)
            except InvalidOperation:
                return self._too_long()
            if value.is_finite() and len(value.as_tuple().digits) <= MOST_DIGITS and abs(value.adjusted()) <= MOST_DIGITS:
                return value
        return self._too_long()

    def constant(self, _text: str) -> _Refused:
        self.refused = True
        return _Refused("not_a_number", "NaN and Infinity are not numbers in JSON.", "Send a number, or leave the member out.")

    def _too_long(self) -> _Refused:
        self.refused = True
        return _Refused("number_too_long", f"A number has at most {MOST_DIGITS} digits.", "Send the number as it was counted.")


def parse(body: bytes, *, most_values: int = MOST_VALUES) -> Any:
    """The value that a body states: integers as int, other numbers as Decimal; Malformed for all that is not strict JSON.

    Malformed too where it holds more values than `most_values`, counted before any is read: small ones take a hundred times their bytes.
    """
    text = _text(body)
    holders = text.count("{") + text.count("[")
    # As many values as commas and brackets, and one; punctuation within texts is so little that it is not told apart.
    if holders + text.count(",") > most_values:
        raise _malformed([_too_many(most_values)])
    reader = _Reader()
    try:
        value = reader.decoder(pairs=False).decode(text)
    except json.JSONDecodeError as error:
        fault = Fault(
            "syntax",
            "The text stops being JSON here.",
            "Check quotes, commas and brackets at this place.",
            line=error.lineno,
            column=error.colno,
        )
        raise _malformed([fault]) from None
    except RecursionError:
        raise _malformed([_too_deep()]) from None
    members, too_deep = _measured(value, holders=holders)
    if too_deep:
        raise _malformed([_too_deep()])
    # Each member has its colon, so as many colons as members leave none for a repeated one; a colon within a text costs a second reading.
    if text.count(":") != members:
        value = None
        value = reader.decoder(pairs=True).decode(text)
    if reader.refused or reader.repeated or _SUSPECT_ESCAPE.search(body):
        faults = capped(_walk(value, reader.repeated, ()))
        if faults:
            raise _malformed(faults)
    return value


def _text(body: bytes) -> str:
    if body.startswith(_BOM):
        raise _malformed([Fault("byte_order_mark", "The body begins with a byte order mark.", "Send UTF-8 without one.", line=1, column=1)])
    if not body.strip():
        raise _malformed([Fault("empty", "The body is empty.", "Send a JSON document.", pointer="")])
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise _malformed([Fault("not_utf8", "These bytes are not UTF-8.", "Send the body in UTF-8.", line=line, column=column)]) from None


def _malformed(faults: list[Fault]) -> Malformed:
    return Malformed("The body cannot be read as strict JSON; see errors.", faults=faults)


def _too_deep() -> Fault:
    return Fault("too_deep", f"Arrays and objects nest more than {DEEPEST} deep.", "Send the document in its documented shape.", pointer="")


def _too_many(most: int) -> Fault:
    return Fault("too_many_values", f"Arrays and objects here hold at most {most} values in all.", "Send it in parts.", pointer="")


def _measured(value: Any, *, holders: int) -> tuple[int, bool]:
    """The number of members of all objects, and whether they and arrays nest too deep; there are at most so many `holders`, as brackets."""
    level = [value] if type(value) in {dict, list} else []
    members = met = 0
    for _ in range(DEEPEST):
        if not level:
            break
        met += len(level)
        members += sum([len(holder) for holder in level if type(holder) is dict])
        # Most often the last level is most of the document: not looked into where all brackets are accounted for.
        parts = [] if met == holders else [part for holder in level for part in (holder.values() if type(holder) is dict else holder)]
        level = [part for part in parts if type(part) in {dict, list}]
    return members, bool(level)


def _walk(value: Any, repeated: dict[int, list[str]], at: tuple[str | int, ...]) -> Iterator[Fault]:
    if isinstance(value, _Refused):
        code, detail, fix = value.fault
        yield Fault(code, detail, fix, pointer=pointer(at))
    elif isinstance(value, str):
        yield from _text_faults(value, at)
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from _walk(part, repeated, (*at, position))
    elif isinstance(value, dict):
        for name in repeated.get(id(value), ()):
            yield Fault("duplicate_member", "A member of this name stands twice in one object.", "Keep one.", pointer=pointer((*at, name)))
        for name, part in value.items():
            yield from _text_faults(name, at)
            yield from _walk(part, repeated, (*at, name))


def _text_faults(text: str, at: tuple[str | int, ...]) -> Iterator[Fault]:
    if "\x00" in text:
        yield Fault("nul", "A text holds the character NUL.", "Leave it out.", pointer=pointer(at))
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        yield Fault("lone_surrogate", "A text holds half of a surrogate pair.", "Write the whole character.", pointer=pointer(at))


def pointer(at: tuple[str | int, ...]) -> str:
    """A JSON pointer (RFC 6901), as far as the names on the way are plain enough to be repeated."""
    parts = []
    for part in at:
        if isinstance(part, str) and _PLAIN_NAME.match(part) is None:
            break
        parts.append("/" + str(part).replace("~", "~0").replace("/", "~1"))
    return "".join(parts)


def capped(faults: Iterable[Fault]) -> list[Fault]:
    """So many faults and, where there are more, a last one that says so; of those beyond none is made."""
    found = iter(faults)
    named = list(islice(found, MOST_FAULTS))
    more = [Fault("more", "There are more faults.", "Put these right and send it again.")] if next(found, None) else []
    return [*named, *more]
