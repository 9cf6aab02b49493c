"""The document: a whole programme, as its integrator writes it and as the service answers it."""

from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from app.assignments.domain import AssignmentLine, in_order
from app.calendar.contract import Contract
from app.calendar.domain import Collection
from app.kernel.canonical import digest, json_bytes
from app.kernel.lines import Line, Many
from app.measures.catalogue import CATALOGUE
from app.measures.domain import Measure
from app.organisations.domain import Organisation
from app.pathways.domain import Handover, Pathway
from app.programmes.domain import Commissioner, Phase, Programme, Requirement, Site
from app.subcontracts.domain import Subcontract


def _named(value: object) -> object:
    if isinstance(value, str):
        if value not in CATALOGUE:
            raise PydanticCustomError("unknown_measure", "the built-in catalogue has no measure of this code")
        return CATALOGUE[value]
    return value


NamedMeasure = Annotated[Measure, BeforeValidator(_named)]
"""A measure in full, or the code of one of the built-in catalogue."""


class Document(Line):
    """The truth for all months, of every noun of a programme."""

    programme: Programme
    organisations: Many[Organisation] = ()
    commissioners: Many[Commissioner] = ()
    phases: Many[Phase] = ()
    sites: Many[Site] = ()
    measures: Annotated[Many[NamedMeasure], Field(max_length=2000)] = ()
    pathways: Many[Pathway] = ()
    collections: Many[Collection] = ()
    requirements: Many[Requirement] = ()
    subcontracts: Many[Subcontract] = ()
    assignments: Many[AssignmentLine] = ()
    handovers: Many[Handover] = ()


def completed(document: Document) -> Document:
    """The document with a copy of every catalogue measure that it names only by using it."""
    own = {measure.code for measure in document.measures}
    used = [use.code for pathway in document.pathways for segment in pathway.segments for use in segment.measures]
    used += [use.code for collection in document.collections for use in collection.measures]
    used += [requirement.measure for requirement in document.requirements]
    copied = [CATALOGUE[code] for code in dict.fromkeys(used) if code not in own and code in CATALOGUE]
    return document.model_copy(update={"measures": (*document.measures, *copied)}) if copied else document


def document_of(contract: Contract) -> Document:
    """The document in force, in its one normal form: lines in the order of their keys, segments in theirs."""
    named = {contract.programme.prime, *(subcontract.organisation for subcontract in contract.subcontracts), *contract.commissioner}
    return Document(
        programme=contract.programme,
        organisations=tuple(organisation for organisation in contract.organisations if organisation.ods_code in named),
        commissioners=contract.commissioners,
        phases=contract.phases,
        sites=contract.sites,
        measures=contract.measures,
        pathways=contract.pathways,
        collections=contract.collections,
        requirements=contract.requirements,
        subcontracts=contract.subcontracts,
        assignments=tuple(in_order(contract.line(name) for name in contract.lines)),
        handovers=contract.handovers,
    )


def written(document: Document) -> bytes:
    """The document as JSON, every member stated."""
    value: dict[str, Any] = document.model_dump(mode="json", by_alias=True)
    return json_bytes(value)


def written_of(contract: Contract) -> bytes:
    """The document in force as JSON; worked out once for each contract."""
    return contract.worked_out.kept("document", None, lambda: written(document_of(contract)))


@cache
def normal_form() -> str:
    """What names the form that documents are written in: another one where a member was added to some line since."""
    return digest(Document.model_json_schema(mode="serialization"))


def line_bytes(line: Line) -> bytes:
    """One line as JSON in its normal form, every member stated."""
    return json_bytes(line.model_dump(mode="json", by_alias=True))
