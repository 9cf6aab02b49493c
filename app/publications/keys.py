"""The private halves of signing keys: files in one folder that only the service's own user reads."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.publications.signatures import key_id_of, public_key_of

if TYPE_CHECKING:
    # Cryptography is loaded when a key is made or read: 9 MB that a service which publishes nothing does without.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Keyring:
    """The folder of private keys, one file each, named for the key."""

    folder: Path

    def make(self) -> tuple[str, str]:
        """A new key: its id and its public half. Its file is there, and on disk, before anybody is told of it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        private = Ed25519PrivateKey.generate()
        public_key = public_key_of(private)
        key_id = key_id_of(public_key)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(self._file(key_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
        return key_id, public_key

    def private(self, key_id: str) -> "Ed25519PrivateKey | None":
        """The private half of a key; None where this machine has not got it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            content = self._file(key_id).read_bytes()
        except FileNotFoundError:
            return None
        found = load_pem_private_key(content, password=None)
        assert isinstance(found, Ed25519PrivateKey), "the folder holds keys that this service made"
        return found

    def _file(self, key_id: str) -> Path:
        return self.folder / f"{key_id}.pem"
