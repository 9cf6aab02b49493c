"""Files of returns on the caller's disk: how they are named, what they hold, and the receipts beside them."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

from app.client.mainstem import CSV, JSON, XLSX, ReturnKey

MEDIA_TYPES: Final = {".json": JSON, ".csv": CSV, ".xlsx": XLSX}
RECEIPT: Final = ".receipt.json"

# No code holds a space, so that a name is read back for certain; " (1)" and the like, which browsers add, may follow.
_NAMED: Final = re.compile(r"(\S+) (\S+) (\d{4}-\d{2})(?:[ (].*)?\Z")


def name_of(key: ReturnKey, ending: str) -> str:
    """The name of a return's file: `hospice SC-H9903 2026-10.xlsx`."""
    return f"{key.collection} {key.subcontract} {key.month}{ending}"


def key_in(file: Path, programme: str) -> ReturnKey | None:
    """The return that a file's name names; None where it names none."""
    found = _NAMED.match(file.stem)
    return None if found is None else ReturnKey(programme, *found.groups())


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def receipt_beside(file: Path) -> Path:
    """Where the receipt of a submitted file is kept."""
    return file.with_name(file.name + RECEIPT)


def read_receipt(file: Path) -> dict[str, Any] | None:
    """A receipt as the service gave it; None where the file is none."""
    try:
        read = json.loads(file.read_bytes())
    except (ValueError, OSError):
        return None
    is_one = isinstance(read, dict) and isinstance(read.get("return"), dict) and {"sha256", "revision", "received_at"} <= read.keys()
    return read if is_one else None
