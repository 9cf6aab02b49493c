"""The shapes of clients, their keys and the sets of their public keys, with an example of each."""

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from app.access.actions import NewClient
from app.access.domain import KEY_LIFETIME, Role
from app.access.key_sets import PublicKey
from app.configuration.client_actions import Managed
from app.kernel.actors import EVERY
from app.kernel.moments import moment_text

_AT: Final = "2026-10-01T09:00:00.000000Z"
NEW: Final[dict[str, Any]] = {"name": "North trust, warehouse", "role": "preparer", "programme": "staffs-cancer", "subcontract": "SC-RJE"}
_KEY: Final[dict[str, Any]] = {"id": "k3v9r2", "expires_at": "2027-11-05T09:00:00.000000Z", "revoked_at": None, "last_used_at": _AT}
_CLIENT: Final[dict[str, Any]] = {
    "id": "c4f2k9",
    **NEW,
    "commissioner": None,
    "revoked_at": None,
    "keys": [_KEY],
    "public_keys": [{"kid": "2026-10", "alg": "EdDSA", "thumbprint": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],
}
CLIENT: Final = _CLIENT
CLIENTS: Final[dict[str, Any]] = {"clients": [_CLIENT], "next": None}
MADE: Final[dict[str, Any]] = {**_CLIENT, "key": "ms_live_0123456789abcdef_…"}
KEY_SET: Final[dict[str, Any]] = {
    "keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "2026-10", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]
}


class NewClientBody(BaseModel):
    """A client that is to be. Without a key it proves itself with signatures only: put its public keys next."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    role: str
    programme: str | None = None
    subcontract: str | None = None
    commissioner: str | None = None
    with_key: bool = True
    key_lifetime_days: Annotated[int, Field(ge=1, le=KEY_LIFETIME.days)] = KEY_LIFETIME.days

    def client(self) -> NewClient:
        lifetime = timedelta(days=self.key_lifetime_days) if self.with_key else None
        return NewClient(self.name, self.role, self.programme, self.subcontract, self.commissioner, lifetime)


class NewKeyBody(BaseModel):
    """How long a further key lives."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key_lifetime_days: Annotated[int, Field(ge=1, le=KEY_LIFETIME.days)] = KEY_LIFETIME.days


class KeyView(BaseModel):
    """A key by its id, which is in the key itself; `last_used_at` is kept to the minute."""

    id: str
    expires_at: str
    revoked_at: str | None
    last_used_at: str | None


class PublicKeyView(BaseModel):
    """A key that the client signs with, by its name, its one algorithm, and its digest."""

    kid: str
    alg: str
    thumbprint: str


class ClientView(BaseModel):
    """A client. Of what it is scoped to, null is every one, or none where its role has no part in it."""

    id: str
    name: str
    role: Role
    programme: str | None
    subcontract: str | None
    commissioner: str | None
    revoked_at: str | None
    keys: list[KeyView]
    public_keys: list[PublicKeyView]


class MadeView(ClientView):
    """The same with a key that is shown this once: a request that is replayed is answered with `null`."""

    key: str | None


class ClientsView(BaseModel):
    clients: list[ClientView]
    next: str | None


class KeySetView(BaseModel):
    """A JSON Web Key Set (RFC 7517): public keys, each with `kid` and `alg`."""

    keys: list[dict[str, Any]]


def client_view(managed: Managed) -> dict[str, Any]:
    client, scope = managed.client, managed.client.scope
    reach = {"programme": scope.programme, "subcontract": scope.subcontract, "commissioner": scope.commissioner}
    return {
        "id": client.id,
        "name": client.name,
        "role": client.role,
        **{name: None if code == EVERY else code for name, code in reach.items()},
        "revoked_at": client.revoked_at and moment_text(client.revoked_at),
        "keys": [
            {
                "id": key.id,
                "expires_at": moment_text(key.expires_at),
                "revoked_at": key.revoked_at and moment_text(key.revoked_at),
                "last_used_at": key.last_used_at and moment_text(key.last_used_at),
            }
            for key in managed.keys
        ],
        "public_keys": [{"kid": key.kid, "alg": key.algorithm, "thumbprint": key.thumbprint} for key in managed.public_keys],
    }


def key_set_view(keys: tuple[PublicKey, ...]) -> dict[str, Any]:
    return {"keys": [dict(sorted({**key.members, "kid": key.kid, "alg": key.algorithm, "use": "sig"}.items())) for key in keys]}
