"""What a receipt says, looked at beside the file and what the service holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.client.connection import Problem
from app.client.files import sha256_of


def findings_of(receipt: dict[str, Any], sent: Path | None, revision: Callable[[], dict[str, Any]]) -> list[tuple[str, bool]]:
    """What was looked at, and whether it holds."""
    found = []
    if sent is not None:
        own = sha256_of(sent.read_bytes())
        if own != receipt["sha256"] and own == receipt.get("sent_sha256"):
            # A duplicate's bytes are not kept: the revision's are, which said the same.
            found.append(("The file was sent, to the byte, and says what other bytes had said already", True))
        else:
            found.append(("The file is the one that was sent, to the byte", own == receipt["sha256"]))
    try:
        kept = revision()
    except Problem as problem:
        if problem.status != 404:
            raise
        return [*found, ("The service holds this revision", False)]
    found.append(("The service holds this revision", True))
    for member, what in (
        ("sha256", "of these bytes"),
        ("received_at", "received at that moment"),
        ("submitted_by", "from that client"),
    ):
        found.append((f"{'It is' if member == 'sha256' else 'It was'} {what}", kept[member] == receipt[member]))
    return found
