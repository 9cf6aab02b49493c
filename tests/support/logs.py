"""What the servers of a run wrote, looked through for what no log may say: secrets, patients' numbers, and words that tests planted."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from app.kernel.identifiers import is_patient_identifier

PLANTED: Final = ("zqx", "-9434765919")
"""In these words of theirs tests hide what must come back nowhere."""

_SECRETS: Final[Mapping[str, re.Pattern[str]]] = {
    "a key or token": re.compile(r"ms_(?:live|token)_[a-z0-9]{16}_[A-Za-z0-9]{20}"),
    "a signed assertion": re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\."),
    "a private key": re.compile(r"PRIVATE KEY-----|\"d\" ?: ?\""),
    "a password": re.compile(r"postgres(?:ql)?(?:\+psycopg)?://[^:/@\s]*:(?!\*\*\*@)[^@\s]+@"),
    # Not within an id of a client, which is drawn by lot and may hold any three letters.
    "a planted word": re.compile(
        "|".join(rf"(?!\b[a-z0-9]{{16}}\b)(?<![a-z0-9]){word}" if word.isalpha() else word for word in PLANTED), re.IGNORECASE
    ),
}
_OF_A_PATIENT: Final = re.compile(r"(?<![0-9A-Za-z.:-])\d{3}[ -]?\d{3}[ -]?\d{4}(?![0-9A-Za-z:-])")
_LOGS: Final = re.compile(r"log|stderr|.*\.log(?:\.\w+)?")
_OF_DATABASES: Final = re.compile(r"postgres-\d+")


def told_in(text: str) -> Iterator[str]:
    """Each kind of thing that a log says and should not, with the line."""
    for kind, pattern in _SECRETS.items():
        if (found := pattern.search(text)) is not None:
            yield f"{kind}: {_line(text, found)}"
    for found in _OF_A_PATIENT.finditer(text):
        if is_patient_identifier(found[0]):
            yield f"an NHS number: {_line(text, found)}"


def _line(text: str, found: re.Match[str]) -> str:
    begin = text.rfind("\n", 0, found.start()) + 1
    return text[max(begin, found.start() - 300) : found.end() + 300].partition("\n")[0]


def told_below(folder: Path) -> Iterator[str]:
    """The same of every log in a folder and those below it."""
    for place, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if not _OF_DATABASES.fullmatch(each)]
        for name in files:
            if _LOGS.fullmatch(name):
                text = (Path(place) / name).read_text(encoding="utf-8", errors="replace")
                yield from (f"{name} says {told}" for told in told_in(text))
