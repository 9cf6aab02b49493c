"""The tables of pathways, their segments, and the handovers between them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db import facts
from app.db.rows import code_column, fact_table
from app.pathways.domain import Handover, Pathway

PATHWAYS = fact_table(
    "pathways", key=[code_column("code")], content=[Column("name", Text, nullable=False), Column("sites", JSONB, nullable=False)]
)

SEGMENTS = fact_table(
    "segments",
    key=[code_column("pathway"), code_column("code")],
    content=[
        Column("position", Integer, nullable=False),
        Column("name", Text, nullable=False),
        code_column("setting", nullable=True),
        Column("measures", JSONB, nullable=False),
    ],
)

HANDOVERS = fact_table(
    "handovers",
    key=[code_column("code")],
    content=[
        Column("sent", JSONB, nullable=False),
        Column("received", JSONB, nullable=False),
        Column("tolerance", JSONB, nullable=False),
    ],
)


def handovers(session: Session, programme: str, *, as_of: datetime | None) -> tuple[Handover, ...]:
    return facts.read_lines(session, HANDOVERS, Handover, programme, as_of=as_of)


def pathways(session: Session, programme: str, *, as_of: datetime | None) -> tuple[Pathway, ...]:
    """Every pathway of a programme, its segments in their order."""
    segments: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(facts.read(session, SEGMENTS, programme, as_of=as_of), key=lambda row: (row["pathway"], row["position"])):
        segments[row["pathway"]].append({name: row[name] for name in ("code", "name", "setting", "measures")})
    rows = facts.read(session, PATHWAYS, programme, as_of=as_of)
    return tuple(Pathway.model_validate({**row, "segments": segments[row["code"]]}) for row in rows)


def segment_rows(pathways: Iterable[Pathway]) -> list[dict[str, Any]]:
    """The segments' columns, with their place in the order."""
    return [
        facts.row_of(SEGMENTS, {"pathway": pathway.code, "position": position, **segment.model_dump()})
        for pathway in pathways
        for position, segment in enumerate(pathway.segments, start=1)
    ]
