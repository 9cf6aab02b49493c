"""The nouns of a document that have endpoints of their own: which section each is, what names a line, and what it can be asked by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from app.calendar.contract import Contract
from app.calendar.deadlines import ends_period
from app.calendar.domain import Collection
from app.calendar.expected import delivering_spans
from app.configuration.differences import KEYS, Key, lines_of
from app.configuration.document import Document
from app.kernel.lines import Line
from app.kernel.months import Month, covers
from app.measures.domain import Measure
from app.pathways.domain import Handover, Pathway
from app.programmes.domain import Commissioner, Phase, Programme, Requirement, Site
from app.subcontracts.domain import Subcontract, SubcontractStatus, status_on

Filter = Callable[[Contract, Any, Any], bool]
"""Whether a line of a contract is one that was asked for."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A section of the document; `key` are the members that name a line, in the order in which its address does."""

    section: str
    singular: str
    line: type[Line]
    key: tuple[str, ...]
    filters: Mapping[str, Filter] = field(default_factory=dict)

    @property
    def plural(self) -> str:
        """What lists of it are called: the section's own name, of which a document has one programme only."""
        return self.section if self.section != "programme" else "programmes"

    def key_of(self, line: Line) -> Key:
        return KEYS[self.section](line)

    def lines(self, contract: Contract) -> dict[Key, Line]:
        """The lines of a contract by their keys, in that order."""
        return {self.key_of(line): line for line in lines_of(contract, self.section)}

    def asked_for(self, contract: Contract, asked: Mapping[str, Any]) -> dict[Key, Line]:
        """Those of them that answer every filter."""
        found = self.lines(contract).items()
        return {key: line for key, line in found if all(self.filters[name](contract, line, value) for name, value in asked.items())}

    def edited(self, document: Document, key: Key, line: Line | None) -> tuple[Document, str]:
        """The document with this line under this key (without one, where it is None), and where in the document the line stands."""
        if self.section == "programme":
            return document.model_copy(update={"programme": line}), "/programme"
        lines = list(getattr(document, self.section))
        at = next((number for number, each in enumerate(lines) if self.key_of(each) == key), len(lines))
        lines[at : at + 1] = [] if line is None else [line]
        return document.model_copy(update={self.section: tuple(lines)}), f"/{self.section}/{at}"


def _is(member: str) -> Filter:
    return lambda contract, line, value: getattr(line, member) == value


class StatusOn(NamedTuple):
    """The status that a subcontract is asked to be in, and on which day."""

    status: SubcontractStatus
    day: date


def _is_on(contract: Contract, line: Subcontract, asked: StatusOn) -> bool:
    return status_on(line, asked.day) == asked.status


def _in_months(contract: Contract, line: Any, month: Month) -> bool:
    return covers(line.from_month, line.to_month, month)


def _version_in_force(contract: Contract, line: Measure, month: Month) -> bool:
    return contract.measure(line.code, month) is line


def _collects(contract: Contract, line: Collection, measure: str) -> bool:
    return any(use.code == measure for use in line.measures)


def _returned_in(contract: Contract, line: Collection, month: Month) -> bool:
    return ends_period(month, line.every, year_begins=contract.programme.contract_year_month)


def _for_site(contract: Contract, line: Pathway, site: str) -> bool:
    above = [site]
    while (parent := contract.site_parents.get(above[-1])) is not None and parent not in above:
        above.append(parent)
    return line.is_for(*above)


def _delivered_in(contract: Contract, line: Pathway, month: Month) -> bool:
    return any(facts[0].pathway == line.code and facts[0].in_month(month) for facts in contract.lines.values())


def _targeted_in(contract: Contract, line: Requirement, month: Month) -> bool:
    return any(covers(target.from_month, target.to_month, month) for target in line.targets)


def _delivers_in(contract: Contract, line: Subcontract, month: Month) -> bool:
    return any(span.meets(month) for span in delivering_spans(contract, line.reference))


def _hands_over(contract: Contract, line: Handover, measure: str) -> bool:
    return measure in {line.sent.measure, line.received.measure}


PROGRAMME: Final = Noun("programme", "programme", Programme, ("code",))
"""What the document says of the programme itself; it has no list within it, and is never withdrawn."""

NOUNS: Final = (
    Noun("commissioners", "commissioner", Commissioner, ("ods_code",), {"parent": _is("parent"), "month": _in_months}),
    Noun("phases", "phase", Phase, ("number",), {"payment": _is("payment"), "month": _in_months}),
    Noun("sites", "site", Site, ("code",), {"parent": _is("parent"), "month": _in_months}),
    Noun(
        "measures",
        "measure",
        Measure,
        ("code", "version"),
        {"measure": _is("code"), "kind": _is("kind"), "aggregation": _is("aggregation"), "month": _version_in_force},
    ),
    Noun("pathways", "pathway", Pathway, ("code",), {"site": _for_site, "month": _delivered_in}),
    Noun("collections", "collection", Collection, ("code",), {"measure": _collects, "every": _is("every"), "month": _returned_in}),
    Noun("requirements", "requirement", Requirement, ("measure",), {"judged_on": _is("judged_on"), "month": _targeted_in}),
    Noun(
        "subcontracts",
        "subcontract",
        Subcontract,
        ("reference",),
        {"organisation": _is("organisation"), "sector": _is("sector"), "status": _is_on, "month": _delivers_in},
    ),
    Noun("handovers", "handover", Handover, ("code",), {"measure": _hands_over}),
)
"""Assignments are not among them: they have a room in the document and steps of their own."""
