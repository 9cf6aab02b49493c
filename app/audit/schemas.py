"""The shapes of events, with an example."""

from typing import Any, Final, Literal

from pydantic import BaseModel

from app.audit.domain import Event
from app.db.ledger import REFUSED
from app.kernel.actors import EVERY
from app.kernel.moments import moment_text
from app.reports.rendition_schemas import SignatureView

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
CHECKPOINTS: Final[dict[str, Any]] = {
    "checkpoints": [
        {
            "schema_version": "1.0",
            "kind": "checkpoint",
            "chain": "staffs-cancer",
            "sequence": 412,
            "sha256": _DIGEST,
            "signed_at": "2026-11-17T02:00:00.000000Z",
            "key_id": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            "signature": {"algorithm": "Ed25519", "key_id": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "value": "MEUCIQ"},
        }
    ],
    "next": None,
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


class CheckpointView(BaseModel):
    """Where a chain stood at a moment (`*` is the installation's, `*refused` that of refusals); signed over its canonical JSON (RFC 8785)."""

    schema_version: str
    kind: Literal["checkpoint"]
    chain: str
    sequence: int
    sha256: str
    signed_at: str
    key_id: str
    signature: SignatureView


class CheckpointsView(BaseModel):
    """A page of checkpoints, by chain and sequence."""

    checkpoints: list[CheckpointView]
    next: str | None


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
