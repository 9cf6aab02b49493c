"""The keys that publications are signed with: made at first need, changed by an operator, and known to everybody by their public halves."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy.orm import Session

from app.db import audit
from app.db.ledger import begin_recording, hold_ledger, open_ledger
from app.kernel.actors import EVERY, Actor
from app.kernel.refusals import Kind, Refusal
from app.publications import key_store
from app.publications.key_store import PublicKey
from app.publications.keys import Keyring
from app.publications.signatures import signed, web_key

if TYPE_CHECKING:
    # See app/publications/keys.py.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class SigningKeyMissing(Refusal):
    """The private half of the key in use is not on this machine: an operator puts its file back, or makes another."""

    code: ClassVar[str] = "signing_key_missing"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    title: ClassVar[str] = "Nothing can be signed at present"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs."""

    key_id: str
    private: "Ed25519PrivateKey"

    def sign(self, content: bytes | bytearray) -> dict[str, str]:
        return signed(self.private, content)


def key_set(session: Session) -> dict[str, Any]:
    """Every public key there ever was, as a JSON Web Key Set."""
    return {"keys": [web_key(key.public_key) for key in key_store.signing_keys(session)]}


def list_keys(session: Session) -> list[PublicKey]:
    """Every key there ever was, the newest first."""
    return key_store.signing_keys(session)


def key_in_use(session: Session, keyring: Keyring, *, actor: Actor, now: datetime) -> SigningKey:
    """The key that signs now; the first one is made here. SigningKeyMissing where its private half is not on this machine."""
    key = _live(session)
    if key is None:
        open_ledger(session, EVERY, now=now)
        hold_ledger(session, EVERY)
        # Whoever held the ledger before may have made it.
        key = _live(session)
    key_id = _make(session, keyring, actor=actor, now=now) if key is None else key.key_id
    private = keyring.private(key_id)
    if private is None:
        raise SigningKeyMissing("The private half of the signing key in use is not on this machine.")
    return SigningKey(key_id, private)


def rotate(session: Session, keyring: Keyring, *, actor: Actor, now: datetime) -> str:
    """Make a new key and let it sign from now on; what was signed before stays proven by the keys that signed it."""
    open_ledger(session, EVERY, now=now)
    hold_ledger(session, EVERY)
    return _make(session, keyring, actor=actor, now=now)


def _live(session: Session) -> PublicKey | None:
    return next((key for key in key_store.signing_keys(session) if key.retired_at is None), None)


def _make(session: Session, keyring: Keyring, *, actor: Actor, now: datetime) -> str:
    key_id, public_key = keyring.make()
    recording = begin_recording(session, EVERY, actor=actor, now=now)
    key_store.add_key(session, recording, key_id, public_key)
    key_store.retire_others(session, recording, key_id)
    audit.record(
        session, recording, "signing_key.made", subject={"key_id": key_id}, details={"public_key": public_key}, after=[key_id, public_key]
    )
    return key_id
