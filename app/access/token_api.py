"""The token address of OAuth 2 (RFC 6749, client credentials): a signed assertion in, a token for ten minutes out."""

from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from app.access.assertions import InvalidClient
from app.access.token_actions import TOKEN_LIFETIME, exchange
from app.kernel.canonical import json_bytes
from app.kernel.refusals import Kind, Refusal
from app.web.bodies import media_type, read_body
from app.web.problems import BadRequest, TooLarge, Unavailable, UnsupportedMedia, problem
from app.web.reference import json_answer, open_refusals
from app.web.work import Service, as_installation

ADDRESS: Final = "/oauth/token"
FORM: Final = "application/x-www-form-urlencoded"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LARGEST_BYTES: Final = 16_384

router = APIRouter(tags=["clients"])


class InvalidTokenRequest(Refusal):
    """A request for a token has a grant_type, a client_assertion_type and a client_assertion, each once."""

    code: ClassVar[str] = "invalid_request"
    kind: ClassVar[Kind] = Kind.MALFORMED
    title: ClassVar[str] = "That is no request for a token"


class UnsupportedGrant(Refusal):
    """A token is given for a client's own credentials and for nothing else."""

    code: ClassVar[str] = "unsupported_grant_type"
    kind: ClassVar[Kind] = Kind.MALFORMED
    title: ClassVar[str] = "A token is given to clients for their own credentials"


class TokenView(BaseModel):
    """A token, to be sent as `Authorization: Bearer …`; opaque, and dead after `expires_in` seconds."""

    access_token: str
    token_type: str
    expires_in: int


_EXAMPLE: Final = {"access_token": "ms_token_0123456789abcdef_…", "token_type": "Bearer", "expires_in": 600}
_ASKED: Final[dict[str, Any]] = {
    "grant_type": "client_credentials",
    "client_assertion_type": ASSERTION_TYPE,
    "client_assertion": "eyJhbGciOiJFZERTQSIsImtpZCI6IjIwMjYtMTAifQ.…",
}
_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": list(_ASKED),
    "properties": {**{name: {"type": "string"} for name in _ASKED}, "client_id": {"type": "string"}},
}


@router.post(
    ADDRESS,
    responses=open_refusals(InvalidClient, InvalidTokenRequest, UnsupportedGrant, TooLarge, UnsupportedMedia, Unavailable, BadRequest)
    | json_answer(TokenView, _EXAMPLE),
    openapi_extra={"requestBody": {"required": True, "content": {FORM: {"schema": _FORM, "example": _ASKED}}}},
)
async def give_token(request: Request) -> Response:
    """Give a token for ten minutes to a client that proves itself with its private key (`private_key_jwt`, RFC 7523).

    The assertion is a JWT signed by one of the client's public keys here, with that key's `kid` and algorithm; `iss` and `sub` are the client's id,
    `aud` is this address, `exp` at most 5 minutes ahead, `jti` another each time.
    """
    service: Service = request.app.state.service
    try:
        asked = _form(request, await read_body(request, limit_bytes=_LARGEST_BYTES))
        token = await run_in_threadpool(_exchange, service, request, asked)
    except (InvalidClient, InvalidTokenRequest, UnsupportedGrant) as refusal:
        await service.refused.note(request, refusal)
        # Libraries of OAuth read these two members.
        return problem(refusal, request.state.request_id, also={"error": refusal.code, "error_description": refusal.detail})
    said = {"access_token": token, "token_type": "Bearer", "expires_in": int(TOKEN_LIFETIME.total_seconds())}
    return Response(json_bytes(said), headers={"Cache-Control": "no-store", "Pragma": "no-cache"}, media_type="application/json")


def _form(request: Request, body: bytes) -> dict[str, str]:
    if media_type(request.headers.get("content-type") or "")[0] != FORM:
        raise UnsupportedMedia(f"A request for a token is sent as {FORM}.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=20, errors="strict")
    except ValueError:
        pairs = []
    asked = dict(pairs)
    if not pairs or len(asked) < len(pairs) or not _ASKED.keys() <= asked.keys():
        raise InvalidTokenRequest(f"The form holds {', '.join(_ASKED)}, each once.")
    if asked["grant_type"] != _ASKED["grant_type"]:
        raise UnsupportedGrant("grant_type is client_credentials.")
    if asked["client_assertion_type"] != ASSERTION_TYPE:
        raise InvalidTokenRequest(f"client_assertion_type is {ASSERTION_TYPE}.")
    return asked


def _exchange(service: Service, request: Request, asked: dict[str, str]) -> str:
    return as_installation(
        service,
        lambda session: exchange(
            session,
            asked["client_assertion"],
            client_id=asked.get("client_id"),
            audiences=[_address(service, request)],
            request_id=request.state.request_id,
            now=service.clock(),
        ),
    )


def _address(service: Service, request: Request) -> str:
    """What an assertion is for: the address that the installation is known by, or else the socket's own; never what a caller's Host says."""
    if service.public_url is not None:
        return service.public_url.rstrip("/") + ADDRESS
    host, port = request.scope["server"] or ("localhost", None)
    return f"{request.scope['scheme']}://{host}{'' if port is None else f':{port}'}{ADDRESS}"
