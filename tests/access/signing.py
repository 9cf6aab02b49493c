"""A client's own side of `private_key_jwt`: key pairs, their public sets, and assertions, true and forged."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

ADDRESS = "https://mainstem.example/oauth/token"


@dataclass(frozen=True)
class Pair:
    """A key pair under its name, for one algorithm."""

    kid: str
    algorithm: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        public = json.loads(get_default_algorithms()[self.algorithm].to_jwk(self.private.public_key()))
        return {name: value for name, value in public.items() if name != "key_ops"} | {"kid": self.kid, "alg": self.algorithm}

    def assertion(self, claims: Mapping[str, Any], *, algorithm: str | None = None, headers: Mapping[str, Any] | None = None) -> str:
        said = {"kid": self.kid, **(headers or {})}
        return jwt.encode(dict(claims), self.private, algorithm=algorithm or self.algorithm, headers=said)


def pair(algorithm: str, kid: str = "one", *, bits: int = 2048) -> Pair:
    if algorithm in {"RS512", "PS256"}:
        return Pair(kid, algorithm, rsa.generate_private_key(public_exponent=65537, key_size=bits))
    return Pair(kid, algorithm, ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else ed25519.Ed25519PrivateKey.generate())


def claims(client: str, now: datetime, **others: Any) -> dict[str, Any]:
    """What a client claims of itself: what is None is left out."""
    said = {"iss": client, "sub": client, "aud": ADDRESS, "exp": int(now.timestamp()) + 240, "jti": f"{client}-{now.timestamp()}", **others}
    return {name: value for name, value in said.items() if value is not None}


def part(value: Any) -> str:
    """A part of a JWT as it is written."""
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode().rstrip("=")
