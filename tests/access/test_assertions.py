"""Signed assertions: what holds, and every classic forgery refused."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.access.assertions import InvalidClient, check_assertion, claimed_client
from app.access.key_sets import ALGORITHMS, PublicKey, read_key_set
from app.kernel.refusals import Invalid
from tests.access.signing import ADDRESS, Pair, claims, pair, part

NOW = datetime(2026, 11, 13, 17, 0, tzinfo=UTC)
PAIRS = {algorithm: pair(algorithm) for algorithm in ALGORITHMS}
OTHER = pair("EdDSA")


def keys(*pairs: Pair) -> tuple[PublicKey, ...]:
    return read_key_set({"keys": [each.jwk for each in pairs]})


def check(text: str, *pairs: Pair) -> str:
    """The digest of the assertion's name where it holds and is from the client c."""
    assert claimed_client(text) == "c"
    return check_assertion(text, keys(*(pairs or (PAIRS["EdDSA"],))), audiences=[ADDRESS], now=NOW).jti_sha256


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_is_taken_with_its_own_key(algorithm: str) -> None:
    own = PAIRS[algorithm]
    first = check(own.assertion(claims("c", NOW)), own)
    assert first == check(own.assertion(claims("c", NOW, iat=int(NOW.timestamp()))), own)
    assert first != check(own.assertion(claims("c", NOW, jti="another")), own)
    assert check(own.assertion(claims("c", NOW, aud=[ADDRESS])), own) == first


def test_of_two_keys_the_named_one_counts() -> None:
    old, new = pair("EdDSA", "old"), pair("ES256", "new")
    for each in (old, new):
        assert check(each.assertion(claims("c", NOW)), old, new)
    with pytest.raises(InvalidClient):
        check(old.assertion(claims("c", NOW)), new)
    with pytest.raises(InvalidClient):
        check(old.assertion(claims("c", NOW), headers={"kid": "new"}), old, new)


SECONDS = int(NOW.timestamp())
CLAIMED: dict[str, dict[str, Any]] = {
    "expired": {"exp": SECONDS},
    "long ago": {"exp": SECONDS - 86_400},
    "good for six minutes": {"exp": SECONDS + 360},
    "good for ever": {"exp": 2**53},
    "without an end": {"exp": None},
    "an end that is text": {"exp": str(SECONDS + 60)},
    "an end that is true": {"exp": True},
    "an end that is no number": {"exp": float("nan")},
    "an end below zero": {"exp": -1},
    "from the future": {"iat": SECONDS + 3_600},
    "not yet": {"nbf": SECONDS + 3_600},
    "for another service": {"aud": "https://elsewhere.example/oauth/token"},
    "for this service and another": {"aud": [ADDRESS, "https://elsewhere.example/oauth/token"]},
    "for nobody": {"aud": None},
    "for a service that begins alike": {"aud": ADDRESS + "/x"},
    "without a name": {"jti": None},
    "an empty name": {"jti": ""},
    "a name that is a number": {"jti": 7},
    "a name without end": {"jti": "x" * 5_000},
    "about somebody else": {"sub": "d"},
    "about nobody": {"sub": None},
    "from nobody": {"iss": None},
    "from a list": {"iss": ["c"], "sub": ["c"]},
}


@pytest.mark.parametrize("case", CLAIMED)
def test_claims_that_do_not_hold(case: str) -> None:
    own = PAIRS["EdDSA"]
    payload = json.dumps(claims("c", NOW, **CLAIMED[case])).encode()
    header = part({"alg": "EdDSA", "kid": "one"})
    signed = f"{header}.{part(payload)}"
    with pytest.raises(InvalidClient):
        check(f"{signed}.{part(own.private.sign(signed.encode()))}")


@pytest.mark.parametrize("jti", [7, ["a"], {}, True, "", "x" * 201])
def test_a_name_that_is_none_is_said_to_be_none(jti: Any) -> None:
    """Of a signature that is the key's it is not said that it is another's."""
    with pytest.raises(InvalidClient, match="jti is a text of 1 to 200 characters"):
        check(PAIRS["EdDSA"].assertion(claims("c", NOW, jti=jti)))


def forgeries() -> dict[str, str]:
    """Assertions that say what a true one says, each proved by a trick."""
    own, rsa = PAIRS["EdDSA"], PAIRS["RS512"]
    true, said = own.assertion(claims("c", NOW)), claims("c", NOW)
    header, payload, signature = true.split(".")
    pem = rsa.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    raw = own.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def with_header(**members: Any) -> str:
        return own.assertion(said, headers=members)

    def hmac_of(secret: bytes, algorithm: str = "HS256") -> str:
        signed = f"{part({'alg': algorithm, 'kid': 'one'})}.{payload}"
        return f"{signed}.{part(hmac.digest(secret, signed.encode(), 'sha256'))}"

    stranger = OTHER.jwk
    twice = part(b'{"alg":"EdDSA","kid":"one","alg":"none"}')
    return {
        "signed by nobody": f"{part({'alg': 'none', 'kid': 'one'})}.{payload}.",
        "signed by nobody, in capitals": f"{part({'alg': 'NONE', 'kid': 'one'})}.{payload}.x",
        "signature taken away": f"{header}.{payload}.",
        "two parts": f"{header}.{payload}",
        "public key as a shared secret": hmac_of(raw),
        "public key in PEM as a shared secret": hmac_of(pem),
        "empty shared secret": hmac_of(b""),
        "another's key": OTHER.assertion(said),
        "another's key, brought along": OTHER.assertion(said, headers={"jwk": {name: stranger[name] for name in ("kty", "crv", "x")}}),
        "another's key, to be fetched": OTHER.assertion(said, headers={"jku": "https://elsewhere.example/keys"}),
        "another's certificate, to be fetched": OTHER.assertion(said, headers={"x5u": "https://elsewhere.example/cert"}),
        "right key, header with more": with_header(crit=["exp"]),
        "right key, payload not encoded": with_header(b64=False, crit=["b64"]),
        "kid that is a path": with_header(kid="../../etc/passwd"),
        "kid that is SQL": with_header(kid="one' OR '1'='1"),
        "kid of nobody": with_header(kid="two"),
        "claims changed": f"{header}.{part({**said, 'jti': 'another'})}.{signature}",
        "header changed": f"{part({'alg': 'EdDSA', 'kid': 'one', 'typ': 'at+jwt'})}.{payload}.{signature}",
        "signature changed": f"{header}.{payload}.{part(bytes(64))}",
        "signature made longer": f"{true}AA",
        "header that says alg twice": f"{twice}.{payload}.{signature}",
        "header that is no object": f"{part([])}.{payload}.{signature}",
        "payload that is no JSON": f"{header}.{part(b'not json')}.{signature}",
        "payload of a hundred thousand brackets": f"{header}.{part(b'[' * 100_000)}.{signature}",
        "nothing": "",
        "dots": "..",
        "not base64": "!.!.!",
    }


@pytest.mark.parametrize("case", forgeries())
def test_a_forgery_is_refused(case: str) -> None:
    with pytest.raises(InvalidClient):
        check(forgeries()[case], PAIRS["EdDSA"])


@pytest.mark.parametrize("kind", ["RS256", "PS512", "RS512"])
def test_a_key_signs_with_its_own_algorithm_only(kind: str) -> None:
    own = PAIRS["PS256"]
    with pytest.raises(InvalidClient):
        check(own.assertion(claims("c", NOW), algorithm=kind), own)


def test_the_signature_of_nothing_is_none() -> None:
    """A signature of two zeros fits everything where a library forgets to look (CVE-2022-21449)."""
    own = PAIRS["ES256"]
    signed = f"{part({'alg': 'ES256', 'kid': 'one'})}.{part(claims('c', NOW))}"
    for signature in (bytes(64), bytes(1), b"\x30\x06\x02\x01\x00\x02\x01\x00"):
        with pytest.raises(InvalidClient):
            check(f"{signed}.{part(signature)}", own)


def test_an_assertion_is_good_for_five_minutes_at_most() -> None:
    own = PAIRS["EdDSA"]
    text = own.assertion(claims("c", NOW, exp=SECONDS + 300))
    assert check(text)
    held = keys(own)
    with pytest.raises(InvalidClient):
        check_assertion(text, held, audiences=[ADDRESS], now=NOW - timedelta(seconds=1))
    with pytest.raises(InvalidClient):
        check_assertion(text, held, audiences=[ADDRESS], now=NOW + timedelta(seconds=300))


def a_key(**members: Any) -> dict[str, Any]:
    return {**PAIRS["EdDSA"].jwk, **members}


BAD_SETS: dict[str, tuple[Any, set[str]]] = {
    "no list": ({"keys": {}}, {"key_set"}),
    "another member": ({"keys": [], "more": 1}, {"key_set"}),
    "a text": ({"keys": ["x"]}, {"key_set"}),
    "no name": ({"keys": [a_key(kid=None)]}, {"kid"}),
    "an empty name": ({"keys": [a_key(kid="")]}, {"kid"}),
    "no algorithm": ({"keys": [a_key(alg=None)]}, {"alg"}),
    "an algorithm that is not taken": ({"keys": [a_key(alg="RS256")]}, {"alg"}),
    "none": ({"keys": [a_key(alg="none", kid=7)]}, {"alg", "kid"}),
    "for encryption": ({"keys": [a_key(use="enc")]}, {"use"}),
    "for signing": ({"keys": [a_key(key_ops=["sign"])]}, {"use"}),
    "a shared secret": ({"keys": [{"kty": "oct", "k": "AAAA", "kid": "one", "alg": "EdDSA"}]}, {"private_key"}),
    "the private part": ({"keys": [a_key(d="AAAA")]}, {"private_key"}),
    "another curve": ({"keys": [a_key(crv="Ed448")]}, {"key"}),
    "half a key": ({"keys": [a_key(x="AAAA")]}, {"key"}),
    "a number": ({"keys": [a_key(x=7)]}, {"key"}),
    "an RSA key for EdDSA": ({"keys": [{**PAIRS["RS512"].jwk, "alg": "EdDSA"}]}, {"key"}),
    "a short RSA key": ({"keys": [pair("RS512", bits=1024).jwk]}, {"key"}),
    "an exponent of three": ({"keys": [{**PAIRS["RS512"].jwk, "e": "Aw"}]}, {"key"}),
    "a point that is on no curve": ({"keys": [{**PAIRS["ES256"].jwk, "y": PAIRS["ES256"].jwk["x"]}]}, {"key"}),
    "one name twice": ({"keys": [PAIRS["EdDSA"].jwk, OTHER.jwk]}, {"duplicate"}),
    "nine keys": ({"keys": [pair("EdDSA", str(number)).jwk for number in range(9)]}, {"too_many_keys"}),
    "everything at once": ({"keys": [a_key(kid=None), a_key(alg="HS256"), "x"]}, {"kid", "alg", "key_set"}),
}


@pytest.mark.parametrize("case", BAD_SETS)
def test_a_set_that_cannot_be_used_is_refused_whole(case: str) -> None:
    value, codes = BAD_SETS[case]
    with pytest.raises(Invalid) as refused:
        read_key_set(value)
    assert {fault.code for fault in refused.value.faults} == codes


LOW_ORDERS = {
    "order 1": "01" + 31 * "00",
    "order 2": "ec" + 30 * "ff" + "7f",
    "order 4": 32 * "00",
    "order 4, the other": 31 * "00" + "80",
    "order 8": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "order 8, the second": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "order 8, the third": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "order 8, the fourth": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "order 1, with the sign of no number": "01" + 30 * "00" + "80",
    "order 2, with the sign of no number": "ec" + 31 * "ff",
    **{f"y = p + {more}, sign {sign}": f"{0xED + more:02x}" + 30 * "ff" + sign for more in range(19) for sign in ("7f", "ff")},
}


@pytest.mark.parametrize("case", LOW_ORDERS)
def test_a_point_that_anybody_signs_for_is_no_key(case: str) -> None:
    x = part(bytes.fromhex(LOW_ORDERS[case]))
    with pytest.raises(Invalid) as refused:
        read_key_set({"keys": [a_key(x=x)]})
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [("key", "/keys/0")]


def test_a_set_is_read_in_one_form() -> None:
    one, two = pair("EdDSA", "b"), PAIRS["RS512"].jwk | {"kid": "a", "use": "sig", "x5t": "left out"}
    assert [key.kid for key in read_key_set({"keys": [one.jwk, two]})] == ["a", "b"]
    assert read_key_set({"keys": []}) == ()
    assert jwt.PyJWK.from_dict(dict(read_key_set({"keys": [two]})[0].members), algorithm="RS512").key_type == "RSA"


def test_a_key_that_proves_nothing_is_not_believed_though_it_was_stored_once() -> None:
    kept = PublicKey("one", "EdDSA", {"kty": "OKP", "crv": "Ed25519", "x": part(bytes.fromhex(LOW_ORDERS["order 1"]))})
    # For the neutral point anybody signs: R the neutral point, S nothing.
    forged = ".".join(map(part, ({"alg": "EdDSA", "kid": "one"}, claims("c", NOW), bytes([1, *bytes(63)]))))
    with pytest.raises(InvalidClient, match="proves nothing"):
        check_assertion(forged, [kept], audiences=[ADDRESS], now=NOW)
