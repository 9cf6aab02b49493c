"""Members of a submission: their names, and those that are texts."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from app.kernel.identifiers import Identifier, identifiers_in
from app.kernel.refusals import Fault
from app.returns.faults import fault

Word = TypeVar("Word", bound=str)

LONGEST_CODE: Final = 64
_LOOKED_AT: Final = 10_000
"""So much is looked at of what is refused in any case: a text of megabytes would be searched for seconds."""

RATIOS: Final = frozenset({"value", "ratio", "rate", "mean", "percent", "percentage", "performance"})
"""Names of what is never accepted, for it cannot be pooled."""
# A member's name is the sender's own text: only a plain word is repeated in a pointer.
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_]{1,40}\Z")


def hidden_in(value: Any) -> tuple[Identifier, ...]:
    """What gives a patient away in anything that is refused, however deep and in the names of its members too: each kind once."""
    if not isinstance(value, dict | list):
        return identifiers_in(str(value)[:_LOOKED_AT])
    parts: list[Any] = [value]
    found, left = dict[Identifier, None](), _LOOKED_AT
    while parts and left > 0:
        part = parts.pop()
        if isinstance(part, dict):
            parts += [*part, *part.values()]
        elif isinstance(part, list):
            parts += part
        else:
            text = str(part)[:left]
            left -= len(text) + 1
            found |= dict.fromkeys(identifiers_in(text))
    return tuple(found)


def patients_in(value: Any, pointer: str) -> list[Fault]:
    """A fault for each kind of patient's identifier in what is refused at a place."""
    return [fault("patient_identifier", pointer, found=each) for each in hidden_in(value)]


def unknown_members(raw: Mapping[str, Any], allowed: frozenset[str], pointer: str) -> Iterator[Fault]:
    """A fault for each member that is not one of the allowed."""
    for name in sorted(raw.keys() - allowed):
        place = f"{pointer}/{name}" if _PLAIN_NAME.match(name) else pointer
        for hidden in dict.fromkeys((*hidden_in(name), *hidden_in(raw[name]))):
            yield fault("patient_identifier", place, found=hidden)
        yield fault("ratio_not_accepted" if name.lower() in RATIOS else "unknown_member", place)


def text_of(raw: Mapping[str, Any], name: str, pointer: str, *, most: int, faults: list[Fault]) -> str | None:
    """A member that is a text, or None where it is left out or cannot be one."""
    value = raw.get(name)
    if value is None:
        return None
    place = f"{pointer}/{name}"
    hidden = patients_in(value, place)
    faults.extend(hidden)
    if not isinstance(value, str):
        faults.append(fault("wrong_type", place, kind="a text"))
    elif len(value) > most:
        faults.append(fault("too_long", place, most=most))
    elif not hidden:
        return value
    return None


def word_of(
    raw: Mapping[str, Any], name: str, pointer: str, *, words: tuple[Word, ...], faults: list[Fault], wrong: str = "not_one_of"
) -> Word | None:
    """A member that is one of some words, or None where it is left out or is none of them."""
    text = text_of(raw, name, pointer, most=LONGEST_CODE, faults=faults)
    if text is None:
        return None
    for word in words:
        if word == text:
            return word
    faults.append(fault(wrong, f"{pointer}/{name}", words=", ".join(words)))
    return None
