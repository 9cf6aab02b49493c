"""Every refusal as `application/problem+json` (RFC 9457): kinds to statuses, and the closed register of problems."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final, get_args, get_origin

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.kernel.canonical import json_bytes
from app.kernel.refusals import Fault, Forbidden, Invalid, Kind, NotFound, Refusal, Unauthenticated
from app.telemetry import log
from app.web.intake import pointer
from app.web.shapes import what_it_must_be

MEDIA_TYPE: Final = "application/problem+json"
REGISTER: Final = "/docs/problems"

STATUS: Final[Mapping[Kind, int]] = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.NOT_ALLOWED: 405,
    Kind.NOT_ACCEPTABLE: 406,
    Kind.TOO_SLOW: 408,
    Kind.CONFLICT: 409,
    Kind.STALE: 412,
    Kind.TOO_LARGE: 413,
    Kind.TOO_LONG: 414,
    Kind.UNSUPPORTED: 415,
    Kind.INVALID: 422,
    Kind.PRECONDITION_REQUIRED: 428,
    Kind.OVERLOADED: 429,
    Kind.HEAD_TOO_LARGE: 431,
    Kind.BROKEN: 500,
    Kind.UNAVAILABLE: 503,
}
_HEADERS: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.UNAUTHENTICATED: {"WWW-Authenticate": 'Bearer realm="mainstem"'},
    Kind.OVERLOADED: {"Retry-After": "1"},
    Kind.UNAVAILABLE: {"Retry-After": "2"},
    # The rest of the request is not read: the connection cannot be used again.
    Kind.TOO_LARGE: {"Connection": "close"},
    Kind.TOO_SLOW: {"Connection": "close"},
    Kind.HEAD_TOO_LARGE: {"Connection": "close"},
}
_FIX: Final[Mapping[Kind, str]] = {
    Kind.CONFLICT: "Read what stands now, and ask for what can follow it.",
    Kind.STALE: "Read it again, and send the ETag of what you read in If-Match.",
    Kind.OVERLOADED: "Wait as long as Retry-After says, and ask less often.",
    Kind.UNAVAILABLE: "Send it again after as long as Retry-After says, with the same Idempotency-Key if it had one.",
    Kind.PRECONDITION_REQUIRED: "Send If-Match with the ETag that you read, or `If-None-Match: *` for what is new.",
}
"""How to put right what depends on the state that something is in, where the refusal does not say it better."""
_PASSED_ON: Final = ("allow", "retry-after", "www-authenticate")


class BadRequest(Refusal):
    """The request itself cannot be read."""

    code: ClassVar[str] = "bad_request"
    kind: ClassVar[Kind] = Kind.MALFORMED
    title: ClassVar[str] = "The request cannot be read"


class UnknownParameter(Refusal):
    """The operation has no query parameter of this name, or not two of it: left unsaid, it would seem to have been heeded."""

    code: ClassVar[str] = "unknown_parameter"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "This operation does not know this parameter"


class MethodNotAllowed(Refusal):
    """The address is known, but not with this method; `Allow` names those that are."""

    code: ClassVar[str] = "method_not_allowed"
    kind: ClassVar[Kind] = Kind.NOT_ALLOWED
    title: ClassVar[str] = "This address does not take this method"


class TooLarge(Refusal):
    """The body is larger than this address takes."""

    code: ClassVar[str] = "too_large"
    kind: ClassVar[Kind] = Kind.TOO_LARGE
    title: ClassVar[str] = "The body is too large"


class TooSlow(Refusal):
    """The request came so slowly that it was given up: others need what it held."""

    code: ClassVar[str] = "too_slow"
    kind: ClassVar[Kind] = Kind.TOO_SLOW
    title: ClassVar[str] = "The request came too slowly"


class AddressTooLong(Refusal):
    """The address or its query is longer than any that leads somewhere here, or has more parameters than any operation takes."""

    code: ClassVar[str] = "address_too_long"
    kind: ClassVar[Kind] = Kind.TOO_LONG
    title: ClassVar[str] = "The address is too long"


class HeadTooLarge(Refusal):
    """The request's headers are larger, or more, than any client needs here."""

    code: ClassVar[str] = "head_too_large"
    kind: ClassVar[Kind] = Kind.HEAD_TOO_LARGE
    title: ClassVar[str] = "The headers are too large"


class UnsupportedMedia(Refusal):
    """The body is of a type that this address does not read."""

    code: ClassVar[str] = "unsupported_media_type"
    kind: ClassVar[Kind] = Kind.UNSUPPORTED
    title: ClassVar[str] = "The body's type is not one that is read here"


class Unavailable(Refusal):
    """The service cannot answer now; `Retry-After` says when to try again."""

    code: ClassVar[str] = "unavailable"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    title: ClassVar[str] = "The service cannot answer at the moment"


class Overloaded(Refusal):
    """This client, or this address, asks more often than its share; `Retry-After` says when to try again."""

    code: ClassVar[str] = "overloaded"
    kind: ClassVar[Kind] = Kind.OVERLOADED
    title: ClassVar[str] = "Too many requests"

    def __init__(self, detail: str, *, after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.after_seconds = after_seconds


class Busy(Unavailable):
    """More is asked of the service than it can do at once, and the wait would be too long; nothing was done. `Retry-After` says when to try again."""

    code: ClassVar[str] = "busy"
    title: ClassVar[str] = "The service is busy"


class Broken(Refusal):
    """A defect of the service: nothing was changed."""

    code: ClassVar[str] = "defect"
    kind: ClassVar[Kind] = Kind.BROKEN
    title: ClassVar[str] = "The service met a defect"


_BY_STATUS: Final[Mapping[int, type[Refusal]]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    414: AddressTooLong,
    415: UnsupportedMedia,
    422: Invalid,
    429: Overloaded,
    431: HeadTooLarge,
    503: Unavailable,
}


def status_of(refusal: Refusal | type[Refusal]) -> int:
    return STATUS[refusal.kind]


def problem(
    refusal: Refusal, request_id: str, *, headers: Mapping[str, str] | None = None, also: Mapping[str, str] | None = None
) -> Response:
    """The answer that states a refusal. `instance` is the request's id, so the answer repeats nothing that was sent; `also` are further members."""
    status = status_of(refusal)
    body = {
        "type": f"{REGISTER}#{refusal.code}",
        "title": refusal.title,
        "status": status,
        "detail": refusal.detail,
        "instance": f"urn:mainstem:request:{request_id}",
        "code": refusal.code,
        "errors": [_error(fault) for fault in refusal.faults or _of_state(refusal)],
        **(also or {}),
    }
    said = {**_HEADERS.get(refusal.kind, {}), **(headers or {}), "Cache-Control": "no-store"}
    if isinstance(refusal, Overloaded):
        said["Retry-After"] = str(refusal.after_seconds)
    return Response(json_bytes(body), status, said, media_type=MEDIA_TYPE)


def _of_state(refusal: Refusal) -> tuple[Fault, ...]:
    """The one fault of a refusal that is about a state and not about what was sent."""
    fix = _FIX.get(refusal.kind)
    return () if fix is None else (Fault(refusal.code, refusal.detail, fix),)


def _error(fault: Fault) -> dict[str, str | int]:
    places = {name: getattr(fault, name) for name in ("pointer", "line", "column", "sheet", "cell")}
    said = {"code": fault.code, **places, "detail": fault.detail, "fix": fault.fix}
    return {name: value for name, value in said.items() if value is not None}


def every_refusal(*, leaving_out: tuple[str, ...] = ()) -> dict[str, type[Refusal]]:
    """Every class of refusal that the imported rooms declare, by its code; two may not share one. Whole modules or rooms may be left out."""
    found: dict[str, type[Refusal]] = {}
    kinds: list[type[Refusal]] = [Refusal]
    while kinds:
        for kind in kinds.pop().__subclasses__():
            kinds.append(kind)
            if "code" not in vars(kind) or not kind.__module__.startswith("app.") or kind.__module__.startswith(leaving_out):
                continue
            if found.setdefault(kind.code, kind) is not kind:
                raise RuntimeError(f"{kind.__name__} and {found[kind.code].__name__} share the code {kind.code}")
    return dict(sorted(found.items()))


def _request_id(request: Request) -> str:
    return str(request.state.request_id)


def _of_http(error: HTTPException) -> Refusal:
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        kind = Broken if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else BadRequest
    sentences = {
        404: "There is nothing at this address, or it is not yours.",
        405: "This address does not take this method; Allow names those that it takes.",
        413: "The body is larger than this address takes.",
    }
    return kind(sentences.get(error.status_code, f"{kind.title}."))


def _faults_of_parameters(error: RequestValidationError) -> Iterator[Fault]:
    for each in error.errors():
        place, *rest = each["loc"] or ("",)
        name = ".".join(str(part) for part in rest[:1])
        if each["type"] == "missing":
            yield Fault("missing", f"The {place} parameter {name} must be there.", "Add it.", pointer=pointer((place, *rest[:1])))
        else:
            yield Fault(
                "parameter",
                f"The {place} parameter {name} is not what it must be. {what_it_must_be(each)}",
                "See the operation in the reference pages.",
                pointer=pointer((place, *rest[:1])),
            )


def _takes_many(annotation: object) -> bool:
    """Whether a parameter may be there more than once: it is declared a list, or one or nothing."""
    return any(get_origin(each) is list for each in (annotation, *get_args(annotation)))


def unknown_parameters(request: Request) -> list[Fault]:
    """A fault for each query parameter that the operation of this request does not know, or that is there twice where one is meant."""
    if not request.query_params:
        return []
    known: dict[str, bool] = {}
    waiting = [request.scope["route"].dependant]
    while waiting:
        dependant = waiting.pop()
        known |= {field.alias: _takes_many(field.field_info.annotation) for field in dependant.query_params}
        waiting.extend(dependant.dependencies)
    fix = f"Leave it out, or use any of {', '.join(sorted(known))}." if known else "Leave it out: this operation takes no parameters."
    times = Counter(name for name, _ in request.query_params.multi_items())
    unknown = [name for name in times if name not in known]
    twice = [name for name, count in times.items() if count > 1 and known.get(name) is False]
    return [
        *(
            Fault("unknown_parameter", "This operation does not know this parameter.", fix, pointer=pointer(("query", name)))
            for name in unknown
        ),
        *(
            Fault("parameter_twice", "This parameter is there more than once.", "Keep one.", pointer=pointer(("query", name)))
            for name in twice
        ),
    ]


def of_database(error: Exception) -> Refusal | None:
    """What a failure of the database means for the caller; None where it is a defect of ours."""
    if isinstance(error, PoolTimeout):
        return Unavailable("Every connection to the database is in use; try again shortly.")
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    if state in {"40001", "40P01", "55P03", "57014"}:
        return Unavailable("Another act was in the way; nothing was changed. Try again.")
    if isinstance(error, OperationalError) or (state or "").startswith(("08", "57P", "53")):
        return Unavailable("The database cannot be reached; try again shortly.")
    return None


def answer_defect(error: Exception, request_id: str) -> Response:
    """The answer for an exception that nobody expected, which is logged with the places it passed through."""
    refusal = of_database(error)
    if refusal is None:
        log.error("defect", request_id=request_id, exc_info=error)
        refusal = Broken("The service met a defect and changed nothing. Its log holds the details under this request's id.")
    else:
        log.warning("database_unavailable", request_id=request_id, exc_info=error)
    return problem(refusal, request_id)


Handler = Callable[[Request, Any], Awaitable[Response]]


async def _answer_refusal(request: Request, error: Refusal) -> Response:
    service = getattr(request.app.state, "service", None)
    if service is not None:
        await service.refused.note(request, error)
    return problem(error, _request_id(request))


async def _answer_parameters(request: Request, error: RequestValidationError) -> Response:
    refusal = Invalid(
        "A parameter is not what it must be; see errors.", faults=[*_faults_of_parameters(error), *unknown_parameters(request)]
    )
    return problem(refusal, _request_id(request))


def _methods_at(request: Request) -> list[str]:
    """Every method of every route at this address; the router itself names only those of the first."""
    path = request.url.path
    routes = iter_route_contexts(request.app.routes)
    found = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


async def _answer_http(request: Request, error: HTTPException) -> Response:
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return problem(_of_http(error), _request_id(request), headers={"Allow": ", ".join(_methods_at(request))})
    passed_on = {name: value for name, value in (error.headers or {}).items() if name.lower() in _PASSED_ON}
    return problem(_of_http(error), _request_id(request), headers=passed_on)


def install(app: FastAPI) -> None:
    """Give the application its handlers; what none of them knows is answered by `requests.Requests`."""
    # `Any`, because Starlette asks of every handler that it takes any exception.
    answers: dict[type[Exception], Any] = {
        Refusal: _answer_refusal,
        RequestValidationError: _answer_parameters,
        HTTPException: _answer_http,
    }
    for error, answer in answers.items():
        app.add_exception_handler(error, answer)
