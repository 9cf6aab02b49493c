"""Public keys that a client signs its assertions with: read from a JSON Web Key Set, refused with everything that is wrong."""

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.kernel.canonical import digest
from app.kernel.refusals import Fault, Invalid

ALGORITHMS: Final[Mapping[str, str]] = {"RS512": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""The signatures that are taken, each with the type of its key. A key is for one of them: nobody else chooses."""
MOST_KEYS: Final = 8
"""One of each algorithm and its successor, so that whoever signs in every way still changes over without a pause."""
_RSA_BITS: Final = range(2048, 8193)
_PUBLIC: Final[Mapping[str, frozenset[str]]] = {
    "RSA": frozenset({"n", "e"}),
    "EC": frozenset({"crv", "x", "y"}),
    "OKP": frozenset({"crv", "x"}),
}
_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}
_FIELD: Final = 2**255 - 19
_SECRET: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_FIX: Final = "Send the set as your tool exports its public keys, each with kid and alg."


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of a client: what it is called, the one algorithm that it is for, and its members."""

    kid: str
    algorithm: str
    members: Mapping[str, str]

    @property
    def thumbprint(self) -> str:
        return digest({**self.members, "alg": self.algorithm, "kid": self.kid})


def read_key_set(value: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """The keys of a set (RFC 7517: `{"keys": [{"kty", "kid", "alg", …}]}`), or Invalid with everything that is wrong. An empty set is one."""
    keys = value.get("keys")
    faults: list[Fault] = []
    if not isinstance(keys, list) or set(value) != {"keys"}:
        fault = Fault("key_set", "This is not a set of keys.", _FIX, pointer="/keys")
        raise Invalid("The key set cannot be used; see errors.", faults=[fault])
    if len(keys) > MOST_KEYS:
        faults.append(Fault("too_many_keys", f"A client has at most {MOST_KEYS} public keys.", "Leave out those no longer used.", "/keys"))
    found = [_key(key, f"/keys/{number}", faults) for number, key in enumerate(keys)]
    named = [key.kid for key in found if key is not None]
    if len(set(named)) < len(named):
        faults.append(Fault("duplicate", "Two keys have the same kid.", "Give each its own.", pointer="/keys"))
    if faults:
        raise Invalid("The key set cannot be used; see errors.", faults=faults)
    return tuple(sorted((key for key in found if key is not None), key=lambda key: key.kid))


def _key(value: Any, pointer: str, faults: list[Fault]) -> PublicKey | None:
    if not isinstance(value, dict):
        faults.append(Fault("key_set", "This is not a key.", _FIX, pointer=pointer))
        return None
    before = len(faults)
    if _SECRET & value.keys():
        faults.append(
            Fault(
                "private_key",
                "This key holds its private part.",
                "Send the public part only, and make a new pair: this one has been seen by others.",
                pointer=pointer,
            )
        )
    kid, algorithm = value.get("kid"), value.get("alg")
    if not (isinstance(kid, str) and 1 <= len(kid) <= 100 and kid.isascii() and kid.isprintable()):
        faults.append(Fault("kid", "kid is a line of 1 to 100 ASCII characters.", "Name the key.", pointer=f"{pointer}/kid"))
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        faults.append(Fault("alg", f"alg is one of {', '.join(ALGORITHMS)}.", "Say which this key signs with.", pointer=f"{pointer}/alg"))
    if value.get("use", "sig") != "sig" or "verify" not in _operations(value):
        faults.append(Fault("use", "This key is not for signatures.", "Send one whose use is sig.", pointer=pointer))
    if len(faults) > before:
        return None
    kty = ALGORITHMS[str(algorithm)]
    members = {name: value[name] for name in _PUBLIC[kty] & value.keys() if isinstance(value[name], str)}
    if value.get("kty") != kty or members.keys() != _PUBLIC[kty] or not is_strong(kty, members, str(algorithm)):
        told = {"RSA": "an RSA key of 2048 to 8192 bits", "EC": "a key on the curve P-256", "OKP": "an Ed25519 key"}[kty]
        faults.append(Fault("key", f"For {algorithm} the key is {told}.", "Make one, and send its public part.", pointer=pointer))
        return None
    return PublicKey(str(kid), str(algorithm), {"kty": kty, **dict(sorted(members.items()))})


def _operations(value: Mapping[str, Any]) -> Sequence[Any]:
    operations = value.get("key_ops", ["verify"])
    return operations if isinstance(operations, list) else []


def is_strong(kty: str, members: Mapping[str, str], algorithm: str) -> bool:
    """Whether the members are a point on the one curve that proves something, or a modulus long enough with a usual exponent."""
    # Cryptography is loaded when there is a key to look at: 9 MB that a service of plain keys does without.
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    if kty in _CURVES and members["crv"] != _CURVES[kty]:
        return False
    try:
        key = PyJWK.from_dict({"kty": kty, **members}, algorithm=algorithm).key
    except (PyJWTError, ValueError, TypeError, binascii.Error):
        return False
    if isinstance(key, RSAPublicKey):
        return key.key_size in _RSA_BITS and key.public_numbers().e >= 65_537
    if isinstance(key, Ed25519PublicKey):
        return not _is_of_low_order(key.public_bytes_raw())
    return not isinstance(key, EllipticCurvePublicKey) or key.curve.name == "secp256r1"


def _is_of_low_order(point: bytes) -> bool:
    """Whether a point of Ed25519 gives zero in eight steps, so that anybody can sign for it, or is not written in the one way (RFC 8032, 5.1.3)."""
    y = int.from_bytes(point, "little") % 2**255
    # In turn: of order 4; of orders 1 and 2; of order 8, whose double has y = 0, which is x² = -y² on the curve -x² + y² = 1 + dx²y².
    return y >= _FIELD or y * (y**2 - 1) * (121_665 * y**4 - 2 * 121_666 * y**2 + 121_666) % _FIELD == 0
