"""Ed25519 signatures over canonical bytes, and the public keys that prove them, as JSON Web Keys (RFC 8037, RFC 7638)."""

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from app.kernel.canonical import canonical_bytes, sha256

if TYPE_CHECKING:
    # Cryptography is loaded when something is signed or proven: 9 MB that a service which publishes nothing does without.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM: Final = "Ed25519"


def text_of(content: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    """The bytes that base64url stands for; ValueError where it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("this is no base64url") from None


def public_key_of(private: "Ed25519PrivateKey") -> str:
    """A key's public half as base64url: 43 characters."""
    return text_of(private.public_key().public_bytes_raw())


def key_id_of(public_key: str) -> str:
    """What a key is called: the RFC 7638 thumbprint of its public half."""
    return text_of(bytes.fromhex(sha256(canonical_bytes({"crv": "Ed25519", "kty": "OKP", "x": public_key}))))


def web_key(public_key: str) -> dict[str, str]:
    """A public key as a member of a JSON Web Key Set."""
    return {"kty": "OKP", "crv": "Ed25519", "x": public_key, "kid": key_id_of(public_key), "use": "sig", "alg": "EdDSA"}


def keys_of(key_set: Any) -> dict[str, str]:
    """Public keys by their ids, out of a JSON Web Key Set. What a key is called is worked out, never believed."""
    return {key_id_of(key["x"]): key["x"] for key in key_set["keys"] if key.get("crv") == "Ed25519"}


def signed(private: "Ed25519PrivateKey", content: bytes | bytearray) -> dict[str, str]:
    """The member `signature` for some bytes."""
    return {"algorithm": ALGORITHM, "key_id": key_id_of(public_key_of(private)), "value": text_of(private.sign(content))}


def is_proven(signature: dict[str, Any], content: bytes, public_key: str) -> bool:
    """Whether a signature is that of this key over these bytes."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes_of(public_key)).verify(bytes_of(signature["value"]), content)
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return signature.get("algorithm") == ALGORITHM
