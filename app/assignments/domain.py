"""Who delivers which segment: lines as the document writes them, facts as they are kept, and the way between."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.kernel.canonical import digest
from app.kernel.codes import ALL, Code
from app.kernel.figures import ExactDecimal, exact, json_number
from app.kernel.lines import Line, Many, Selection
from app.kernel.months import Month, covers


class PlaceVolume(Line):
    """Patients a month at one site and for one commissioner of a line."""

    site: Code = ALL
    commissioner: Code = ALL
    volume: Annotated[ExactDecimal, Field()]


class Volume(Line):
    """Patients a month over the whole line, or by site and commissioner."""

    total: ExactDecimal | None = None
    places: Many[PlaceVolume] | None = None


def _volume(value: object) -> object:
    if isinstance(value, Volume):
        return value
    if isinstance(value, list | tuple):
        return {"places": value}
    figure = exact(value)
    if figure is None or figure < 0:
        raise PydanticCustomError("volume", "patients a month: a number from 0, or a list of {site, commissioner, volume}")
    return {"total": figure}


def _written(volume: Volume) -> Any:
    if volume.places is not None:
        return [place.model_dump(mode="json") for place in volume.places]
    return None if volume.total is None else json_number(volume.total)


ExpectedVolume = Annotated[
    Volume,
    BeforeValidator(_volume),
    PlainSerializer(_written, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "object"}}]}),
]


class AssignmentLine(Line):
    """A subcontract delivers a segment, for sites and commissioners, from month to month.

    `share` is a planned split in percent and never enters a figure.
    """

    subcontract: Code
    pathway: Code
    segment: Code
    sites: Selection = None
    commissioners: Selection = None
    from_month: Month | None = None
    to_month: Month | None = None
    share: ExactDecimal | None = None
    expected_volume: ExpectedVolume | None = None


class Assignment(NamedTuple):
    """One fact: a subcontract delivers a segment at one site for one commissioner in some months.

    `line` is the digest of the line it was written in; `line_volume` the patients a month over that whole line,
    `volume` those of this place alone, where the line states them by place.
    """

    subcontract: str
    pathway: str
    segment: str
    site: str
    commissioner: str
    from_month: Month
    to_month: Month | None
    line: str
    every_site: bool
    every_commissioner: bool
    share: Decimal | None
    line_volume: Decimal | None
    volume: Decimal | None

    def in_month(self, month: Month) -> bool:
        return covers(self.from_month, self.to_month, month)


def expand(line: AssignmentLine, *, sites: Sequence[str], commissioners: Sequence[str], first_month: Month) -> list[Assignment]:
    """The facts of a line; `sites` and `commissioners` are what `all` stands for (`all` itself where there are none)."""
    line = _normal(line, first_month)
    name = digest(line.model_dump(mode="json"))
    volume = line.expected_volume
    by_place = {(place.site, place.commissioner): place.volume for place in volume.places} if volume and volume.places else {}
    return [
        Assignment(
            subcontract=line.subcontract,
            pathway=line.pathway,
            segment=line.segment,
            site=site,
            commissioner=commissioner,
            from_month=line.from_month or first_month,
            to_month=line.to_month,
            line=name,
            every_site=line.sites is None,
            every_commissioner=line.commissioners is None,
            share=line.share,
            line_volume=volume.total if volume else None,
            volume=by_place.get((site, commissioner)),
        )
        for site in (line.sites or sites)
        for commissioner in (line.commissioners or commissioners)
    ]


def _normal(line: AssignmentLine, first_month: Month) -> AssignmentLine:
    """The line in its one normal form, so that writing it differently is no change."""
    volume = line.expected_volume
    if volume and volume.places:
        volume = Volume(places=tuple(sorted(volume.places, key=lambda place: (place.site, place.commissioner))))
    return line.model_copy(
        update={
            "sites": line.sites and tuple(sorted(line.sites)),
            "commissioners": line.commissioners and tuple(sorted(line.commissioners)),
            "from_month": line.from_month or first_month,
            "expected_volume": volume,
        }
    )


def collapse(assignments: Iterable[Assignment]) -> list[AssignmentLine]:
    """The lines that these facts were written in, in the order of their keys."""
    lines: dict[str, list[Assignment]] = defaultdict(list)
    for assignment in assignments:
        lines[assignment.line].append(assignment)
    return sorted((_line(facts) for facts in lines.values()), key=_order)


def _line(facts: Sequence[Assignment]) -> AssignmentLine:
    first = facts[0]
    places = tuple(
        PlaceVolume(site=fact.site, commissioner=fact.commissioner, volume=fact.volume) for fact in facts if fact.volume is not None
    )
    volume = Volume(places=places) if places else Volume(total=first.line_volume) if first.line_volume is not None else None
    return AssignmentLine(
        subcontract=first.subcontract,
        pathway=first.pathway,
        segment=first.segment,
        sites=None if first.every_site else tuple(sorted({fact.site for fact in facts})),
        commissioners=None if first.every_commissioner else tuple(sorted({fact.commissioner for fact in facts})),
        from_month=first.from_month,
        to_month=first.to_month,
        share=first.share,
        expected_volume=volume,
    )


def _order(line: AssignmentLine) -> tuple[Any, ...]:
    return (
        line.subcontract,
        line.pathway,
        line.segment,
        line.sites or (),
        line.commissioners or (),
        line.from_month or Month(0),
    )
