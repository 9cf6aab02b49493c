"""A document of which some lines do not have their shape: what is wrong between the others."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from app.configuration.document import Document, completed
from app.configuration.domain import faults_of
from app.kernel.refusals import Fault, Invalid

_LINE: Final = re.compile(r"/([a-z]+)/([0-9]+)(/.*)?\Z")

_OF_THE_WHOLE: Final = frozenset({"weights", "volume_elsewhere", "setting_does_not_fit"})
"""Rules that say something of lines taken together: without the lines that cannot be read they would be wrong."""


def between_sound_lines(
    value: Any, shape: Collection[Fault], *, registered: Collection[str], read: Callable[[Any], Document]
) -> Iterator[Fault]:
    """What is wrong between the lines that have their shape, of a value in which others have not (`shape`).

    So mending what is named leaves nothing to be found next time. `registered` are the codes of the shared register; `read` gives
    the document that a value states, or refuses with Invalid.
    """
    broken: dict[str, set[int]] = {}
    for fault in shape:
        line = _LINE.match(fault.pointer or "")
        if line is None:
            return
        broken.setdefault(line[1], set()).add(int(line[2]))
    rest = {
        section: [line for number, line in enumerate(lines) if number not in broken[section]] if section in broken else lines
        for section, lines in value.items()
    }
    try:
        document = completed(read(rest))
    except Invalid:
        return
    kept = {section: [number for number in range(len(value[section])) if number not in broken[section]] for section in broken}
    named = set(_codes([value[section][number] for section, numbers in broken.items() for number in numbers]))
    for fault in faults_of(document, registered=frozenset(registered)):
        placed = replace(fault, pointer=_pointer(fault.pointer or "", kept))
        if fault.code in _OF_THE_WHOLE or (fault.code.startswith("unknown_") and _at(value, placed.pointer or "") in named):
            continue
        yield placed


def _pointer(pointer: str, kept: Mapping[str, list[int]]) -> str:
    """The place in what was sent of a place in what could be read."""
    line = _LINE.match(pointer)
    if line is None or line[1] not in kept:
        return pointer
    return f"/{line[1]}/{kept[line[1]][int(line[2])]}{line[3] or ''}"


def _codes(part: Any) -> Iterator[str]:
    """Every text in a line that cannot be read: what it might have been the code of."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict | list):
        for each in part.values() if isinstance(part, dict) else part:
            yield from _codes(each)


def _at(value: Any, pointer: str) -> Any:
    """What stands at a place; None where nothing does."""
    for part in pointer.split("/")[1:]:
        try:
            value = value[int(part)] if isinstance(value, list) else value[part.replace("~1", "/").replace("~0", "~")]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value if isinstance(value, str) else None
