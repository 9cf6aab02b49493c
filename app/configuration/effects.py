"""What a document does: the contract that comes of it, and the revisions that it would leave without a duty."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Final

from app.assignments.domain import Assignment
from app.calendar.contract import Contract
from app.calendar.expected import CellKey, ReturnKey, expected_cells
from app.calendar.working_days import ENGLAND
from app.configuration.assigned import Placed, placed
from app.configuration.document import Document
from app.configuration.owing import is_answered
from app.kernel.ranges import Ranges
from app.kernel.refusals import Fault
from app.organisations.domain import Organisation


def contract_of(
    document: Document,
    *,
    organisations: Iterable[Organisation],
    recorded_at: datetime,
    lines: Sequence[Placed] | None = None,
    before: Contract | None = None,
) -> Contract:
    """The contract that a document states, as it will be read once it is in force.

    `before` is the one that it follows: what both say alike is taken from there. `lines` are the document's assignments' lines
    with their places, where these have been worked out already.
    """
    known = {organisation.ods_code: organisation for organisation in (*document.organisations, *organisations)}
    return Contract(
        programme=document.programme,
        recorded_at=recorded_at,
        organisations=tuple(known[code] for code in sorted(known)),
        commissioners=tuple(sorted(document.commissioners, key=lambda line: line.ods_code)),
        phases=tuple(sorted(document.phases, key=lambda line: line.number)),
        sites=tuple(sorted(document.sites, key=lambda line: line.code)),
        measures=tuple(sorted(document.measures, key=lambda line: (line.code, line.version))),
        pathways=tuple(sorted(document.pathways, key=lambda line: line.code)),
        collections=tuple(sorted(document.collections, key=lambda line: line.code)),
        requirements=tuple(sorted(document.requirements, key=lambda line: line.measure)),
        subcontracts=tuple(sorted(document.subcontracts, key=lambda line: line.reference)),
        assignments=_facts(placed(document) if lines is None else lines, before),
        days=ENGLAND if before is None else before.days,
        decisions=() if before is None else before.decisions,
        successions=() if before is None else before.successions,
        handovers=tuple(sorted(document.handovers, key=lambda line: line.code)),
    )


_KEY: Final = itemgetter(slice(6))


def _facts(lines: Iterable[Placed], before: Contract | None) -> tuple[Assignment, ...]:
    """The facts of lines, in the order of their keys. Equal lines at equal places are equal facts: these are not made again."""
    kept: set[str] = set()
    new: list[Assignment] = []
    held = {} if before is None else before.lines
    for each in lines:
        facts = held.get(each.name)
        if facts is not None and _at(facts) == (each.sites, each.commissioners) and each.name not in kept:
            kept.add(each.name)
        else:
            new.extend(each.facts())
    if before is None or not kept:
        return tuple(sorted(new, key=_KEY))
    if not new and len(kept) == len(held):
        return before.assignments
    return tuple(sorted([*(fact for fact in before.assignments if fact.line in kept), *new], key=_KEY))


def _at(facts: Sequence[Assignment]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sites and commissioners of a line's facts."""
    return tuple(sorted({fact.site for fact in facts})), tuple(sorted({fact.commissioner for fact in facts}))


def no_longer_owed(before: Contract, contract: Contract, reported: Iterable[tuple[ReturnKey, int, frozenset[CellKey]]]) -> Iterator[Fault]:
    """The revisions that state cells which a contract no longer asks for, and the one before it does; each return is named once.

    What is not asked for because the register has closed or succeeded an organisation since is no document's doing.
    """
    for key, revision, cells in reported:
        lost = cells - set(expected_cells(contract, key))
        if lost and (lost := lost & set(expected_cells(before, key))):
            cell = min(lost)
            detail = (
                f"Revision {revision} of {key.collection}/{key.subcontract}/{key.month} states {len(lost)} cells that this document no longer"
                f" asks for, {cell.measure} in {cell.pathway}/{cell.segment}, site {cell.site}, commissioner {cell.commissioner} among them."
            )
            fix = "Keep the line, and end it with to_month from the month on in which nothing has been reported."
            yield Fault("in_use", detail, fix, pointer=_withdrawn(contract, key, cell))


def of_another_organisation(before: Contract, after: Contract) -> list[str]:
    """The subcontracts that are another organisation's after than before."""
    held = {line.reference: line.organisation for line in before.subcontracts}
    return [line.reference for line in after.subcontracts if held.get(line.reference, line.organisation) != line.organisation]


def relabelled(reported: Iterable[str]) -> Iterator[Fault]:
    """The subcontracts whose returns would become another organisation's."""
    for reference in reported:
        detail = f"Returns of {reference} are of the organisation that it was agreed with: by this document they would be another's."
        fix = "Leave the organisation as it is, end the subcontract, and add one of the other organisation."
        yield Fault("in_use", detail, fix, pointer="/subcontracts")


def counted_as_another(
    before: Contract, after: Contract, measures: Mapping[str, Ranges], reported: Iterable[tuple[str, ReturnKey]]
) -> Iterator[Fault]:
    """The measures that were reported of months in which a contract counts something else; each measure is named once."""
    found: dict[str, list[ReturnKey]] = defaultdict(list)
    for code, key in reported:
        if is_answered(before, after, key, measures[code]):
            found[code].append(key)
    for code, keys in found.items():
        key = min(keys, key=lambda key: (key.month, *key[:2]))
        detail = (
            f"{len(keys)} returns state figures of {code}, {key.collection}/{key.subcontract}/{key.month} the first of them: by this document"
            " they would be figures of something else."
        )
        fix = "Leave the version as it is, and add one that begins with a month in which nothing has been reported."
        yield Fault("in_use", detail, fix, pointer="/measures")


def _withdrawn(contract: Contract, key: ReturnKey, cell: CellKey) -> str:
    """The section of the document in which a line is missing."""
    held: tuple[tuple[str, str, Iterable[str]], ...] = (
        ("subcontracts", key.subcontract, contract.subcontract),
        ("collections", key.collection, contract.collection),
        ("measures", cell.measure, (measure.code for measure in contract.measures)),
        ("pathways", cell.pathway, (*contract.pathway, "all")),
        ("sites", cell.site, (*contract.site, "all")),
        ("commissioners", cell.commissioner, (*contract.commissioner, "all")),
    )
    return next((f"/{section}" for section, code, codes in held if code not in codes), "/assignments")
