"""Signed statements of who is calling (RFC 7523, `private_key_jwt`): the one that holds, or a refusal that says which rule it breaks."""

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from app.access.key_sets import ALGORITHMS, PublicKey, is_strong
from app.kernel.canonical import sha256
from app.kernel.codes import is_code
from app.kernel.refusals import Kind, Refusal

LIFETIME: Final = timedelta(minutes=5)
"""An assertion is for now: one that could be used for longer is worth stealing."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST: Final = 8_000
_LONGEST_JTI: Final = 200
_HEADER: Final = frozenset({"alg", "kid", "typ"})
"""A header says nothing else: no key, no address of a key, nothing that must be understood (`jwk`, `jku`, `x5u`, `crit`, `b64`)."""


class InvalidClient(Refusal):
    """An assertion does not prove that the client sent it. Whether there is such a client is not said."""

    code: ClassVar[str] = "invalid_client"
    kind: ClassVar[Kind] = Kind.UNAUTHENTICATED
    title: ClassVar[str] = "The assertion is not accepted"


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that holds: the key that signed it, its name (`jti`, as a digest) and until when it would be good for another use."""

    key: PublicKey
    jti_sha256: str
    expires_at: datetime


def claimed_client(text: str) -> str:
    """Whom an assertion says it is from, before anything of it is believed: `iss`, which is `sub` too."""
    _, claims = _parts(text)
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not is_code(issuer) or claims.get("sub") != issuer:
        raise InvalidClient("iss and sub are both the client's id.")
    return issuer


def check_assertion(text: str, keys: Collection[PublicKey], *, audiences: Collection[str], now: datetime) -> Assertion:
    """The assertion, signed by one of the client's keys with that key's own algorithm, for this service, for a short time around now."""
    # Cryptography is loaded when there is something to check: 9 MB that a service of plain keys does without.
    import jwt
    from jwt.exceptions import InvalidTokenError, PyJWKError

    header, claims = _parts(text)
    key = next((key for key in keys if key.kid == header.get("kid")), None)
    if key is None or header.get("alg") != key.algorithm:
        raise InvalidClient("kid names one of the client's public keys here, and alg is that key's own.")
    # It was looked at when it came, by what was known of such keys then.
    if not is_strong(ALGORITHMS[key.algorithm], key.members, key.algorithm):
        raise InvalidClient("The key that kid names proves nothing: make a new pair, and have its public key put in its place.")
    try:
        # The signature alone is asked for: what is claimed is looked at below, by the request's clock and in sentences of its own.
        jwt.decode(
            text,
            jwt.PyJWK.from_dict(dict(key.members), algorithm=key.algorithm),
            algorithms=[key.algorithm],
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except (InvalidTokenError, PyJWKError, ValueError) as error:
        raise InvalidClient("The signature is not the key's.") from error
    expires_at = _check_times(claims, now)
    _check_audience(claims.get("aud"), audiences)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        raise InvalidClient(f"jti is a text of 1 to {_LONGEST_JTI} characters, another each time.")
    return Assertion(key, sha256(jti.encode("utf-8", "surrogatepass")), expires_at)


def _check_times(claims: Mapping[str, Any], now: datetime) -> datetime:
    expires_at, issued_at, valid_from = (_moment(claims, name) for name in ("exp", "iat", "nbf"))
    if expires_at is None or not now < expires_at <= now + LIFETIME:
        raise InvalidClient("exp is a number of seconds, later than now by at most 5 minutes.")
    # Two clocks are never quite the same: what was made in the next half minute was made now.
    soon = now + timedelta(seconds=30)
    if (issued_at is not None and issued_at > soon) or (valid_from is not None and valid_from > soon):
        raise InvalidClient("iat and nbf, where they are given, do not lie ahead.")
    return expires_at


def _check_audience(audience: Any, audiences: Collection[str]) -> None:
    if (
        audience not in audiences
        if isinstance(audience, str)
        else not (isinstance(audience, list) and len(audience) == 1 and audience[0] in audiences)
    ):
        raise InvalidClient("aud is this service's token address, and nothing else.")


def _moment(claims: Mapping[str, Any], name: str) -> datetime | None:
    """A NumericDate (RFC 7519); None where there is none. InvalidClient for what is no moment."""
    if name not in claims:
        return None
    seconds = claims[name]
    if type(seconds) not in {int, Decimal} or not 0 <= seconds < 2**33:
        raise InvalidClient(f"{name} is a number of seconds since 1970.")
    return EPOCH + timedelta(seconds=int(seconds))


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims as they are written, believed by nobody yet."""
    parts = text.split(".") if len(text) <= _LONGEST else []
    if len(parts) != 3 or not all(parts):
        raise InvalidClient("client_assertion is a signed JWT in compact form.")
    header, claims = _object(parts[0]), _object(parts[1])
    if not header.keys() <= _HEADER:
        raise InvalidClient("The header holds alg, kid and typ, and nothing else.")
    return header, claims


def _object(part: str) -> dict[str, Any]:
    try:
        text = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        value = json.loads(text, object_pairs_hook=_once, parse_float=Decimal, parse_constant=str)
    except (binascii.Error, ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidClient("client_assertion is a signed JWT in compact form.")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Said twice is said by two: whoever reads the first and whoever reads the last must not differ."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)
