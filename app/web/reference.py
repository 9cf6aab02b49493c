"""The published contract and its reference pages: OpenAPI 3.1 as served, Swagger UI with no internet, the register of problems."""

from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode
from starlette.responses import HTMLResponse

from app.kernel.refusals import Forbidden, Invalid, NotFound, Refusal, Unauthenticated
from app.web.bodies import JSON
from app.web.etags import PreconditionRequired, Stale
from app.web.idempotency import BadIdempotencyKey, IdempotencyKeyReused
from app.web.intake import Malformed
from app.web.problems import (
    MEDIA_TYPE,
    AddressTooLong,
    BadRequest,
    Broken,
    Busy,
    HeadTooLarge,
    Overloaded,
    TooLarge,
    TooSlow,
    Unavailable,
    UnknownParameter,
    UnsupportedMedia,
    status_of,
)
from app.web.stepwise import stepped_work
from app.web.work import OutcomeUnknown, unit_of_work

WRITING: Final = (Malformed, TooSlow, TooLarge, UnsupportedMedia, BadIdempotencyKey, IdempotencyKeyReused, OutcomeUnknown)
"""What any POST with a JSON body may be refused for, besides its own refusals."""
PUTTING: Final = (Malformed, TooSlow, TooLarge, UnsupportedMedia, PreconditionRequired, Stale, OutcomeUnknown)
"""What any PUT or PATCH with a JSON body may be refused for, besides its own refusals."""

_LIMITS: Final = (AddressTooLong, BadRequest, HeadTooLarge, Overloaded)
"""What any request may be refused for, whatever it asks."""

_HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "If-Match": {"description": "The ETag of the state that this is meant for; not of a dry run."},
    "If-None-Match": {"description": "`*`: only where there is none yet. Of a read: the ETag that the reader has, for an answer 304."},
    "Idempotency-Key": {
        "description": "1 to 255 visible ASCII characters that name this attempt: sent again, it is answered again and done once."
    },
}
_ETAG: Final[dict[str, Any]] = {"description": "The state that is answered, for If-Match and If-None-Match.", "schema": {"type": "string"}}
_LOCATION: Final[dict[str, Any]] = {"description": "The address of what was made.", "schema": {"type": "string"}}
_SCHEMAS: Final = "#/components/schemas/"
_JAVASCRIPT: Final = "text/javascript"
_ASSETS: Final = {"swagger-ui-bundle.js": _JAVASCRIPT, "swagger-ui.css": "text/css", "favicon.png": "image/png", "start.js": _JAVASCRIPT}
_START: Final = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#reference", deepLinking: true, validatorUrl: null, layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""
_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<link rel="icon" href="/docs/assets/favicon.png"><link rel="stylesheet" href="/docs/assets/swagger-ui.css"></head>
<body>{body}</body>
</html>
"""
_POLICY: Final = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"


def refusals(*kinds: type[Refusal]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of an operation that needs a key: its own refusals, and those that any such operation may give."""
    return _responses((Unauthenticated, Forbidden, NotFound, Invalid, UnknownParameter, Broken, Unavailable, Busy, *_LIMITS, *kinds))


def open_refusals(*kinds: type[Refusal]) -> dict[int | str, dict[str, Any]]:
    """The same for an operation that is open to everyone."""
    return _responses((Broken, *_LIMITS, *kinds))


def _responses(kinds: tuple[type[Refusal], ...]) -> dict[int | str, dict[str, Any]]:
    by_status: dict[int, dict[str, type[Refusal]]] = {}
    for kind in kinds:
        by_status.setdefault(status_of(kind), {})[kind.code] = kind
    return {
        status: _response("; ".join(f"`{code}`: {kind.title}" for code, kind in sorted(by_status[status].items())))
        for status in sorted(by_status)
    }


@cache
def _response(description: str) -> dict[str, Any]:
    """Two hundred operations refuse much the same: what is told of it is kept once."""
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}}


def json_body(model: type[BaseModel], example: Any, *, required: bool = True) -> dict[str, Any]:
    """The `openapi_extra=` of an operation whose body is read raw: its shape and an example."""
    return {"requestBody": {"required": required, "content": {JSON: {"schema": _Shape(model, "validation"), "example": example}}}}


def json_answer(model: type[BaseModel], example: Any, *, status: int = 200, description: str = "Done") -> dict[int | str, dict[str, Any]]:
    """One of an operation's `responses=`: the shape of an answer that is given as ready bytes, and an example."""
    return {status: {"description": description, "content": {JSON: {"schema": _Shape(model, "serialization"), "example": example}}}}


def dry_run_answer(model: Any, line: Any, difference: Any) -> dict[int | str, dict[str, Any]]:
    """As `json_answer`, of a model that is either the thing itself or what would change, with an example of each."""
    done = json_answer(model, line, description="Done; or, of a dry run, what would change and what would follow")
    content = done[200]["content"][JSON]
    del content["example"]
    content["examples"] = {"done": {"value": line}, "dry_run": {"value": difference}}
    return done


class _Shape(dict[str, Any]):
    """A model's JSON Schema: empty until the contract is published, for drawing all of them is half of what any program takes to start."""

    def __init__(self, model: type[BaseModel], mode: JsonSchemaMode) -> None:
        super().__init__()
        self._model, self._mode = model, mode

    def draw(self) -> None:
        if not self:
            self.update(_drawn(self._model, self._mode))


@cache
def _drawn(model: type[BaseModel], mode: JsonSchemaMode) -> dict[str, Any]:
    return model.model_json_schema(ref_template=_SCHEMAS + "{model}", mode=mode)


def _draw(described: Mapping[int | str, Any]) -> None:
    """Draw every shape in a description of an operation."""
    for part in described.values():
        if isinstance(part, _Shape):
            part.draw()
        elif isinstance(part, dict):
            _draw(part)


def document(app: FastAPI, problems: Mapping[str, type[Refusal]]) -> dict[str, Any]:
    """The contract as served: what FastAPI knows, with locks, the shapes of raw bodies and the closed register of problems."""
    for route in iter_route_contexts(app.routes):
        _draw({"responses": getattr(route, "responses", {}), "extra": getattr(route, "openapi_extra", None)})
    contract = get_openapi(title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes)
    components = contract.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _problem_schema(problems)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A key: `Authorization: Bearer ms_live_…`."}
    }
    contexts = {(context.path, method.lower()): context for context in iter_route_contexts(app.routes) for method in context.methods or ()}
    for path, operations in contract["paths"].items():
        for method, operation in operations.items():
            context = contexts[path, method]
            operation["summary"] = context.summary or " ".join(operation.get("description", "").partition("\n\n")[0].split())
            operation["security"] = [{"bearer": []}] if _needs_key(context) else []
            if operation["security"]:
                _name_headers(method, operation)
            for suffix, content in _contents(operation):
                content["schema"] = _hoisted(content["schema"], schemas, suffix=suffix)
    components["schemas"] = dict(sorted(schemas.items()))
    return contract


def _needs_key(context: Any) -> bool:
    waiting = [context.dependant] if getattr(context, "dependant", None) is not None else []
    while waiting:
        dependant = waiting.pop()
        if dependant.call in {unit_of_work, stepped_work}:
            return True
        waiting.extend(dependant.dependencies)
    return False


def _name_headers(method: str, operation: dict[str, Any]) -> None:
    """The headers of requests and answers that any operation of its kind has: states that were seen, attempts that are one."""
    responses = operation["responses"]
    named = [name for name in _HEADERS if name in _headers_of(method, responses)]
    parameters = [{"name": name, "in": "header", "required": False, "schema": {"type": "string"}, **_HEADERS[name]} for name in named]
    if parameters:
        operation["parameters"] = [*operation.get("parameters", []), *parameters]
    for status, answer in responses.items():
        headers = {"ETag": _ETAG} if status in {"200", "201"} and method in {"get", "put", "patch"} else {}
        if status == "201":
            headers["Location"] = _LOCATION
        if headers:
            answer["headers"] = {**headers, **answer.get("headers", {})}
    if method == "get" and "200" in responses:
        responses["304"] = {"description": "What If-None-Match names is what stands", "headers": {"ETag": _ETAG}}
        operation["responses"] = dict(sorted(responses.items()))


def _headers_of(method: str, responses: Mapping[str, Any]) -> set[str]:
    if method == "get":
        return {"If-None-Match"}
    if method == "post":
        return {"Idempotency-Key"}
    if str(status_of(PreconditionRequired)) not in responses:
        return set()
    return {"If-Match", "If-None-Match"} if method == "put" and "201" in responses else {"If-Match"}


def _contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for suffix, part in (("Input", operation.get("requestBody", {})), *(("Output", part) for part in operation["responses"].values())):
        yield from ((suffix, content) for content in part.get("content", {}).values() if "schema" in content)


def _hoisted(schema: dict[str, Any], schemas: dict[str, Any], *, suffix: str) -> dict[str, Any]:
    """A schema whose definitions, and itself where it has a title, are moved to where all are.

    What comes in may differ from what goes out under the same name: then it is called by its name and the suffix.
    """
    if "$ref" in schema:
        return schema
    definitions = dict(schema.pop("$defs", {}))
    title = schema.get("title") if schema.get("type") == "object" else None
    if title is not None:
        definitions[title] = schema
    renamed: dict[str, str] = {}
    while True:
        moved = {name: _with_names(definition, renamed) for name, definition in definitions.items()}
        clashing = {name for name in moved if schemas.get(renamed.get(name, name), moved[name]) != moved[name]}
        if not clashing:
            break
        # A shape that was renamed may clash once more only until what it refers to is renamed too.
        if clashing <= renamed.keys():
            raise RuntimeError(f"two shapes share a name in the published contract: {sorted(clashing)}")
        renamed |= {name: name + suffix for name in clashing}
    schemas.update({renamed.get(name, name): definition for name, definition in moved.items()})
    return {"$ref": _SCHEMAS + renamed.get(title, title)} if title is not None else _with_names(schema, renamed)


def _with_names(schema: Any, renamed: Mapping[str, str]) -> Any:
    """The schema with references to renamed definitions put right."""
    if isinstance(schema, list):
        return [_with_names(part, renamed) for part in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: _with_names(part, renamed) for name, part in schema.items()}
    name = str(changed.get("$ref", "")).removeprefix(_SCHEMAS)
    return {**changed, "$ref": _SCHEMAS + renamed[name]} if name in renamed else changed


def _problem_schema(problems: Mapping[str, type[Refusal]]) -> dict[str, Any]:
    text, number = {"type": "string"}, {"type": "integer"}
    places = {"pointer": text, "line": number, "column": number, "sheet": text, "cell": text}
    fault = {
        "type": "object",
        "description": "One thing that is wrong and where; only the places that apply are there. What was sent is never repeated.",
        "required": ["code", "detail", "fix"],
        "properties": {"code": text, **places, "detail": text, "fix": text},
    }
    members = {"type": text, "title": text, "status": number, "detail": text, "instance": text}
    return {
        "type": "object",
        "title": "Problem",
        "description": "RFC 9457. `type` is from the closed register at /docs/problems; `errors` names everything that is wrong.",
        "required": [*members, "code", "errors"],
        "properties": {**members, "code": {"type": "string", "enum": list(problems)}, "errors": {"type": "array", "items": fault}},
    }


def router(problems: Mapping[str, type[Refusal]]) -> APIRouter:
    """The pages and their assets, all from this program: nothing is fetched from elsewhere."""
    pages = APIRouter(include_in_schema=False)

    @pages.get("/docs")
    async def reference_page() -> Response:
        scripts = '<script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/assets/start.js"></script>'
        return page("Mainstem: reference", f'<div id="reference"></div>{scripts}')

    @pages.get("/docs/problems")
    async def register_of_problems() -> Response:
        rows = "".join(
            f'<tr id="{code}"><td><code>{code}</code></td><td>{status_of(kind)}</td><td>{escape(kind.title)}</td>'
            f"<td>{escape(' '.join((kind.__doc__ or '').split()))}</td></tr>"
            for code, kind in problems.items()
        )
        heading = "<h1>Problems</h1><p>Every refusal is one of these: <code>code</code> is stable, the sentences may improve.</p>"
        table = f"<table><thead><tr><th>code</th><th>status</th><th>title</th><th>meaning</th></tr></thead><tbody>{rows}</tbody></table>"
        return page("Mainstem: problems", f'<main class="swagger-ui" style="margin:2em">{heading}{table}</main>')

    @pages.get("/docs/assets/{asset}")
    async def asset(asset: str) -> Response:
        if asset not in _ASSETS:
            raise NotFound("There is nothing at this address.")
        return Response(_asset(asset), headers={"Cache-Control": "public, max-age=3600"}, media_type=_ASSETS[asset])

    return pages


def _asset(name: str) -> bytes:
    """Read each time: few ask, and they are two megabytes."""
    return _START.encode() if name == "start.js" else files("fastapi_offline").joinpath("static", name).read_bytes()


def page(title: str, body: str) -> Response:
    """A page of the reference: nothing of it comes from elsewhere, and everybody may read it."""
    return HTMLResponse(_PAGE.format(title=title, body=body), headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})
