"""Who delivers which segment: lines as the document writes them, facts as they are kept, and the way between."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.kernel.canonical import digest
from app.kernel.codes import ALL, Code
from app.kernel.figures import ExactDecimal, exact, json_number
from app.kernel.lines import Line, Many, Name, Selection, Words
from app.kernel.months import Month, covers

LINE_ID_DIGITS: Final = 16
"""So much of a line's digest names it."""

WHOLE: Final = Decimal(100)
"""All of a place's patients, in percent."""

_LATER: Final = ("reported_by", "waiver")
"""Members that a line got later: where they say nothing they are no part of its digest, so that older lines keep theirs."""


class PlaceVolume(Line):
    """Patients a month at one site and for one commissioner of a line."""

    site: Code = ALL
    commissioner: Code = ALL
    volume: Annotated[ExactDecimal, Field()]


def _each_once(places: tuple[PlaceVolume, ...] | None) -> tuple[PlaceVolume, ...] | None:
    if len({(place.site, place.commissioner) for place in places or ()}) < len(places or ()):
        raise PydanticCustomError("repeated", "a site and commissioner stand twice in this list")
    return places


class Volume(Line):
    """Patients a month over the whole line, or by site and commissioner."""

    total: ExactDecimal | None = None
    places: Annotated[Many[PlaceVolume] | None, AfterValidator(_each_once)] = None


def _volume(value: object) -> object:
    if isinstance(value, Volume):
        return value
    if isinstance(value, list | tuple):
        return {"places": value}
    figure = exact(value)
    if figure is None or figure < 0:
        raise PydanticCustomError("volume", "patients a month: a number from 0, or a list of {site, commissioner, volume}")
    return {"total": figure}


def _percent(share: Decimal) -> Decimal:
    if not 0 <= share <= WHOLE:
        raise PydanticCustomError("percent", "a share is a percentage, from 0 to 100")
    return share


def _written(volume: Volume) -> Any:
    if volume.places is not None:
        return [place.model_dump(mode="json") for place in volume.places]
    return None if volume.total is None else json_number(volume.total)


ExpectedVolume = Annotated[
    Volume,
    BeforeValidator(_volume),
    PlainSerializer(_written, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "description": "Patients a month over the whole line."},
                {
                    "type": "array",
                    "description": "Patients a month at each of these places of the line.",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["volume"],
                        "properties": {
                            "site": {"type": "string", "default": ALL},
                            "commissioner": {"type": "string", "default": ALL},
                            "volume": {"type": "number", "minimum": 0},
                        },
                    },
                },
            ]
        }
    ),
]


class Waiver(Line):
    """Someone agreed that a segment is delivered in a setting that the subcontract does not name."""

    reason: Annotated[Words, Field(min_length=1)]
    approved_by: Name


Share = Annotated[ExactDecimal, AfterValidator(_percent)]
"""Percent of a place's patients, from 0 to 100."""


class AssignmentLine(Line):
    """A subcontract delivers a segment, for sites and commissioners, from month to month.

    `share` is a planned split in percent and never enters a figure. `reported_by` is the subcontract that owes the
    returns, where the deliverer does not report itself.
    """

    subcontract: Code
    pathway: Code
    segment: Code
    sites: Selection = None
    commissioners: Selection = None
    from_month: Month | None = None
    to_month: Month | None = None
    share: Share | None = None
    expected_volume: ExpectedVolume | None = None
    reported_by: Code | None = None
    waiver: Waiver | None = None


class Assignment(NamedTuple):
    """One fact: a subcontract delivers a segment at one site for one commissioner in some months.

    `line` is the digest of the line it was written in; `line_volume` the patients a month over that whole line,
    `volume` those of this place alone, where the line states them by place. `other_reporter` is None where the subcontract
    reports itself.
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
    other_reporter: str | None
    waiver_reason: str | None
    waiver_approver: str | None

    @property
    def reporter(self) -> str:
        """The one subcontract that owes the returns of this place in these months."""
        return self.other_reporter or self.subcontract

    def in_month(self, month: Month) -> bool:
        return covers(self.from_month, self.to_month, month)


def facts_of(line: AssignmentLine, name: str, *, sites: Iterable[str], commissioners: Sequence[str]) -> list[Assignment]:
    """The facts of a line in its normal form, at every one of these places."""
    assert line.from_month is not None, "a line in its normal form says when it begins"
    volume = line.expected_volume
    waiver = line.waiver
    by_place = {(place.site, place.commissioner): place.volume for place in volume.places} if volume and volume.places else {}
    total = volume.total if volume else None
    every = (line.sites is None, line.commissioners is None)
    before = (line.subcontract, line.pathway, line.segment)
    months = (line.from_month, line.to_month, name, *every, line.share, total)
    after = (line.reported_by, waiver.reason if waiver else None, waiver.approved_by if waiver else None)
    return [
        Assignment._make((*before, site, commissioner, *months, by_place.get((site, commissioner)), *after))
        for site in sites
        for commissioner in commissioners
    ]


def named(line: AssignmentLine, *, first_month: Month) -> tuple[AssignmentLine, str]:
    """The line in its one normal form, and the digest that names it: of equal digests, equal lines."""
    line = _normal(line, first_month)
    written = line.model_dump(mode="json")
    return line, digest({member: value for member, value in written.items() if member not in _LATER or value is not None})


def _normal(line: AssignmentLine, first_month: Month) -> AssignmentLine:
    """The line in its one normal form, so that writing it differently is no change."""
    volume = line.expected_volume
    if volume and volume.places:
        volume = Volume(places=tuple(sorted(volume.places, key=lambda place: (place.site, place.commissioner))))
    elif volume and volume.total is None:
        # No fact would know of a list that says nothing, and the line would read otherwise the next time.
        volume = None
    return line.model_copy(
        update={
            "sites": line.sites and tuple(sorted(line.sites)),
            "commissioners": line.commissioners and tuple(sorted(line.commissioners)),
            "from_month": line.from_month or first_month,
            "expected_volume": volume,
            "reported_by": None if line.reported_by == line.subcontract else line.reported_by,
        }
    )


def in_order(lines: Iterable[AssignmentLine]) -> list[AssignmentLine]:
    """Lines in the order of their keys."""
    return sorted(lines, key=_order)


def by_line(assignments: Iterable[Assignment]) -> dict[str, list[Assignment]]:
    """The facts of each line, by its digest."""
    lines: dict[str, list[Assignment]] = defaultdict(list)
    for assignment in assignments:
        lines[assignment.line].append(assignment)
    return lines


def line_of(facts: Sequence[Assignment]) -> AssignmentLine:
    """The line that all of these facts were written in."""
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
        reported_by=first.other_reporter,
        waiver=Waiver(reason=first.waiver_reason, approved_by=first.waiver_approver or "") if first.waiver_reason else None,
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
