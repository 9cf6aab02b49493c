"""The shapes in which delegations are granted and shown, with an example of each."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, StringConstraints

from app.access.delegation_actions import NewDelegation
from app.access.domain import Delegation, Permission
from app.kernel.lines import Line, MomentText
from app.kernel.moments import moment_text, parse_moment

NEW: Final[dict[str, Any]] = {"permission": "return_sign", "delegate": "p7x2", "expires_at": "2026-12-24T17:00:00.000000Z"}
DELEGATION: Final[dict[str, Any]] = {
    "delegation": "d9m1",
    **NEW,
    "delegator": "k3v9",
    "granted_at": "2026-12-10T09:00:00.000000Z",
    "state": "live",
    "revoked_at": None,
    "revoked_by": None,
}
REVOKED: Final[dict[str, Any]] = {**DELEGATION, "state": "revoked", "revoked_at": "2026-12-17T08:00:00.000000Z", "revoked_by": "p7x2"}
DELEGATIONS: Final[dict[str, Any]] = {"delegations": [DELEGATION], "next": None}


class DelegationBody(Line):
    """The permission that is lent, the id of the client who gets it, and until when."""

    permission: Annotated[Permission, Field(strict=False)]
    delegate: Annotated[str, StringConstraints(max_length=100)]
    expires_at: MomentText

    def new(self) -> NewDelegation:
        return NewDelegation(self.permission, self.delegate, parse_moment(self.expires_at))


class DelegationView(BaseModel):
    """A permission that `delegator` lends `delegate`. Once it has expired or was revoked it stays to be read."""

    delegation: str
    permission: Permission
    delegator: str
    delegate: str
    granted_at: datetime
    expires_at: datetime
    state: Literal["live", "expired", "revoked"]
    revoked_at: datetime | None
    revoked_by: str | None


class DelegationsView(BaseModel):
    delegations: list[DelegationView]
    next: str | None


def delegation_view(found: Delegation, *, now: datetime) -> dict[str, Any]:
    return {
        "delegation": found.id,
        "permission": found.permission,
        "delegator": found.granted_by,
        "delegate": found.delegate,
        "granted_at": moment_text(found.granted_at),
        "expires_at": moment_text(found.expires_at),
        "state": "live" if found.is_live(now) else "expired" if found.revoked_at is None else "revoked",
        "revoked_at": found.revoked_at and moment_text(found.revoked_at),
        "revoked_by": found.revoked_by,
    }
