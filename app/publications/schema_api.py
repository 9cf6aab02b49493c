"""The published schemas, open to everyone: what a program validates reports against, and what else it keeps."""

from functools import cache
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from app.kernel.canonical import json_bytes
from app.kernel.refusals import Invalid, NotFound
from app.publications.json_schemas import SCHEMAS
from app.reports.json_schema import ADDRESS
from app.web.etags import Precondition, tag_of
from app.web.reference import open_refusals

SCHEMA_TYPE: Final = "application/schema+json"

router = APIRouter(tags=["reports"])

_INDEX: Final[dict[str, Any]] = {"schemas": [{"name": name, "href": f"{ADDRESS}{name}"} for name in sorted(SCHEMAS)]}
_LISTED: Final = {
    "type": "object",
    "required": ["schemas"],
    "properties": {
        "schemas": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "href"],
                "properties": {"name": {"type": "string"}, "href": {"type": "string"}},
            },
        }
    },
}


def _answer(request: Request, content: bytes, *, media_type: str) -> Response:
    headers = {"ETag": tag_of(content), "Cache-Control": "public, max-age=3600"}
    if Precondition(None, request.headers.get("if-none-match")).unchanged(headers["ETag"]):
        return Response(None, 304, headers)
    return Response(content, 200, headers, media_type=media_type)


@cache
def _content(name: str) -> bytes:
    return json_bytes(SCHEMAS[name]())


@router.get(
    ADDRESS,
    response_class=Response,
    responses=open_refusals()
    | {200: {"description": "Every schema", "content": {"application/json": {"schema": _LISTED, "example": _INDEX}}}},
)
async def list_schemas(request: Request) -> Response:
    """List the published schemas."""
    return _answer(request, json_bytes(_INDEX), media_type="application/json")


@router.get(
    f"{ADDRESS}{{schema}}",
    response_class=Response,
    responses=open_refusals(NotFound, Invalid)
    | {200: {"description": "The schema", "content": {SCHEMA_TYPE: {"schema": {"type": "object"}, "example": {"$id": "urn:…"}}}}},
)
async def read_schema(
    request: Request, schema: Annotated[str, Path(description="The schema's file name.", examples=sorted(SCHEMAS))]
) -> Response:
    """Read a JSON Schema, of draft 2020-12."""
    if schema not in SCHEMAS:
        raise NotFound("There is no such schema; the list of schemas names those that there are.")
    return _answer(request, _content(schema), media_type=SCHEMA_TYPE)
