"""Who a key stands for, over HTTP."""

from typing import Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.access.domain import Role
from app.kernel.actors import EVERY
from app.web.reference import json_answer, refusals
from app.web.work import Unit

router = APIRouter(prefix="/v1/me", tags=["clients"])


class CallerView(BaseModel):
    """A client as it sees itself. Of what it is scoped to, null is every one, or none where its role has no part in it."""

    client: str
    name: str
    role: Role
    programme: str | None
    subcontract: str | None
    commissioner: str | None


CALLER: Final[dict[str, Any]] = {
    "client": "c_4f2k",
    "name": "St Giles Hospice, returns",
    "role": "preparer",
    "programme": "staffs-cancer",
    "subcontract": "SC-H9901",
    "commissioner": None,
}


@router.get("", response_class=Response, responses=refusals() | json_answer(CallerView, CALLER, description="The caller"))
def read_caller(unit: Unit) -> Response:
    """Read who the key stands for: its client, role and scope."""
    actor = unit.actor
    scope = {"programme": actor.programme, "subcontract": actor.subcontract, "commissioner": actor.commissioner}
    reach = {name: None if code == EVERY else code for name, code in scope.items()}
    return unit.read({"client": actor.client, "name": actor.name, "role": actor.role, **reach})
