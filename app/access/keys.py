"""Keys (`ms_live_<id>_<secret><crc32>`) and tokens (`ms_token_…`): shown once, stored as a digest."""

import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field
from typing import Final

from app.kernel.canonical import sha256

_WORDS: Final = string.ascii_lowercase + string.digits
_SECRETS: Final = string.ascii_letters + string.digits
_KEY: Final = re.compile(r"(ms_(live|token)_([a-z0-9]{16})_[A-Za-z0-9]{40})([0-9a-f]{8})\Z")


@dataclass(frozen=True, slots=True)
class Key:
    """A key or token that somebody holds, or was just given. Its text is in no representation of it."""

    id: str
    text: str = field(repr=False)
    is_token: bool = False

    @property
    def sha256(self) -> str:
        return sha256(self.text.encode("ascii"))

    def is_the_one(self, stored_sha256: str) -> bool:
        """Whether this is the key of a stored digest, in a time that says nothing."""
        return hmac.compare_digest(self.sha256, stored_sha256)


def new_id() -> str:
    """An identifier that nothing can be guessed from."""
    return "".join(secrets.choice(_WORDS) for _ in range(16))


def new_key() -> Key:
    """A key nobody has seen: 238 bits of chance and a checksum, which lets scanners and typing errors be recognised."""
    return _new("live")


def new_token() -> Key:
    """A token nobody has seen: as a key is, for ten minutes."""
    return _new("token")


def _new(kind: str) -> Key:
    key_id = new_id()
    opening = f"ms_{kind}_{key_id}_" + "".join(secrets.choice(_SECRETS) for _ in range(40))
    return Key(key_id, opening + _checksum(opening), is_token=kind == "token")


def parse_key(text: str) -> Key | None:
    """The key or token that a text states, None where it has another shape or its checksum does not fit: no query is needed to see that."""
    match = _KEY.match(text)
    return Key(match[3], text, is_token=match[2] == "token") if match is not None and match[4] == _checksum(match[1]) else None


def _checksum(opening: str) -> str:
    return f"{zlib.crc32(opening.encode('ascii')):08x}"
