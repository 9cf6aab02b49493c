"""The shapes of events, with an example."""

from typing import Any, Final

from pydantic import BaseModel

from app.audit.domain import Event
from app.db.ledger import REFUSED
from app.kernel.actors import EVERY
from app.kernel.moments import moment_text

CHAINS: Final = {EVERY: "installation", REFUSED: "refused"}
"""What the chains that are no programme's are called."""

_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
EVENT: Final[dict[str, Any]] = {
    "chain": "staffs-cancer",
    "sequence": 412,
    "recorded_at": "2026-11-16T10:02:11.400000Z",
    "client": "c_4f2k",
    "client_name": "A contract manager",
    "role": "contract_manager",
    "action": "return.reopened",
    "refused": False,
    "subject": {"collection": "cwt", "subcontract": "SC-RJE", "month": "2026-08", "revision": 2},
    "before_sha256": None,
    "after_sha256": _DIGEST,
    "why": "A ward was counted twice",
    "details": {"expires_at": "2026-11-20T17:00:00.000000Z"},
    "request_id": "5d5e5c0e-5d8f-4c62-9b0a-6f3b0f0d7c11",
    "previous_sha256": _DIGEST,
    "sha256": _DIGEST,
}
EVENTS: Final[dict[str, Any]] = {"events": [EVENT], "next": None}


class EventView(BaseModel):
    """What somebody did, or was refused.

    `chain` is a programme's code, `installation` for what all programmes share, or `refused`. `sequence` and the digests of the chain are null
    for a reader who does not read the whole chain, and so are names of people of another party.
    """

    chain: str
    sequence: int | None
    recorded_at: str
    client: str
    client_name: str | None
    role: str
    action: str
    refused: bool
    subject: dict[str, Any]
    before_sha256: str | None
    after_sha256: str | None
    why: str | None
    details: dict[str, Any]
    request_id: str | None
    previous_sha256: str | None
    sha256: str | None


class EventsView(BaseModel):
    """A page of the record, the latest event first."""

    events: list[EventView]
    next: str | None


def event_view(event: Event) -> dict[str, Any]:
    return {
        "chain": CHAINS.get(event.chain, event.chain),
        "sequence": event.sequence,
        "recorded_at": moment_text(event.recorded_at),
        "client": event.client,
        "client_name": event.client_name,
        "role": event.role,
        "action": event.action,
        "refused": event.chain == REFUSED,
        "subject": event.subject,
        **event.stated,
        "details": event.further,
        "request_id": event.request_id,
        "previous_sha256": event.previous_sha256,
        "sha256": event.sha256,
    }
