"""The shapes in which the quality of returns is answered, and who has not submitted as a table."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from pydantic import BaseModel

from app.calendar.contract import Contract
from app.kernel.codes import ALL
from app.kernel.figures import ExactDecimal, rounded
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.programmes.reporting import QualityWeights
from app.returns.quality import MissingReason, Quality, Share
from app.returns.quality_actions import PathwayRow, QualityRead
from app.returns.read_actions import Standing
from app.returns.template import tame
from app.subcontracts.domain import Contact


class QualityView(BaseModel):
    """What the returns of one subcontract (`all`: of every one together) for a month come to; only those that are due are judged.

    Each share is its numerator over its denominator, null where nothing was asked or a volume is not known. `index` is from 0 to 100:
    the coverage times the weighed sum of completeness, validity, timeliness and stability. `pathway_completeness` is the expected
    volume of returns that are accepted and whole, of all expected volume.
    """

    programme: str
    month: Month
    subcontract: str
    organisation: str
    organisation_name: str
    returns_expected: int
    returns_due: int
    returns_received: int
    returns_on_time: int
    completeness_numerator: ExactDecimal | None
    completeness_denominator: ExactDecimal | None
    completeness: ExactDecimal | None
    validity_numerator: ExactDecimal | None
    validity_denominator: ExactDecimal | None
    validity: ExactDecimal | None
    timeliness_numerator: ExactDecimal | None
    timeliness_denominator: ExactDecimal | None
    timeliness: ExactDecimal | None
    stability_numerator: ExactDecimal | None
    stability_denominator: ExactDecimal | None
    stability: ExactDecimal | None
    coverage_numerator: ExactDecimal | None
    coverage_denominator: ExactDecimal | None
    coverage: ExactDecimal | None
    index: ExactDecimal | None
    pathway_completeness_numerator: ExactDecimal | None
    pathway_completeness_denominator: ExactDecimal | None
    pathway_completeness: ExactDecimal | None
    missing_reason: MissingReason | None


class PathwayQualityView(BaseModel):
    """What the returns of one subcontract (`all`: of every one together) for a month come to for one pathway; only those that are due are judged.

    A measure that is not split by pathway counts for each pathway that it is asked of. `pathway_completeness` is the expected volume
    of the pathway's lines whose returns are accepted and whole there, of all its expected volume; null where a volume is not known.
    """

    programme: str
    month: Month
    pathway: str
    pathway_name: str
    subcontract: str
    organisation: str
    organisation_name: str
    returns_expected: int
    returns_due: int
    returns_received: int
    returns_on_time: int
    completeness_numerator: ExactDecimal | None
    completeness_denominator: ExactDecimal | None
    completeness: ExactDecimal | None
    coverage_numerator: ExactDecimal | None
    coverage_denominator: ExactDecimal | None
    coverage: ExactDecimal | None
    pathway_completeness_numerator: ExactDecimal | None
    pathway_completeness_denominator: ExactDecimal | None
    pathway_completeness: ExactDecimal | None
    missing_reason: MissingReason | None


class PathwaysView(BaseModel):
    """A page of quality by pathway, and the moment that it was judged at."""

    as_of: datetime | None
    quality: list[PathwayQualityView]
    next: str | None


class QualitiesView(BaseModel):
    """A page of quality, the weights of its index, and the moment that it was judged at."""

    as_of: datetime | None
    weights: QualityWeights
    quality: list[QualityView]
    next: str | None


def quality_views(read: QualityRead, rows: Iterable[Quality]) -> list[dict[str, Any]]:
    return [_view(read.contract, row) for row in rows]


def _view(contract: Contract, row: Quality) -> dict[str, Any]:
    agreement = contract.subcontract.get(row.subcontract)
    organisation = contract.organisation.get(agreement.organisation) if agreement else None
    return {
        "programme": contract.programme.code,
        "month": row.month,
        "subcontract": row.subcontract,
        "organisation": agreement.organisation if agreement else ALL,
        "organisation_name": organisation.name if organisation else ALL,
        **figures_view(row, contract.programme.quality_weights),
    }


def pathway_views(contract: Contract, rows: Iterable[PathwayRow]) -> list[dict[str, Any]]:
    names = PathwayQualityView.model_fields
    found = []
    for pathway, row in rows:
        name = contract.pathway[pathway].name if pathway in contract.pathway else pathway
        said = {**_view(contract, row), "pathway": pathway, "pathway_name": name}
        found.append({member: said[member] for member in names})
    return found


def figures_view(row: Quality, weights: QualityWeights) -> dict[str, Any]:
    """What a row says beside whom it is about."""
    return {
        "returns_expected": row.returns_expected,
        "returns_due": row.returns_due,
        "returns_received": row.returns_received,
        "returns_on_time": row.returns_on_time,
        **_share("completeness", row.completeness, row),
        **_share("validity", row.validity, row),
        **_share("timeliness", row.timeliness, row),
        **_share("stability", row.stability, row),
        **_share("coverage", row.coverage, row),
        "index": _shown(row.index(weights)),
        **_share("pathway_completeness", row.volume, row),
        "missing_reason": row.missing_reason,
    }


def _share(name: str, share: Share, row: Quality) -> dict[str, Any]:
    """A share with what it is made of; of what is not yet due nothing is judged, not even that there is nothing."""
    numerator, denominator = share if row.returns_due else (None, None)
    return {f"{name}_numerator": _shown(numerator), f"{name}_denominator": _shown(denominator), name: _shown(share.value)}


def _shown(figure: Fraction | None) -> Any:
    return None if figure is None else rounded(figure)


COLUMNS: Final = (
    "month",
    "collection",
    "collection_name",
    "subcontract",
    "organisation",
    "organisation_name",
    "due",
    "role",
    "name",
    "email",
    "phone",
)
_MARK: Final = "\ufeff"
"""Without it a spreadsheet takes the letters of names for those of another alphabet."""
_TELEPHONE: Final = re.compile(r"\+[\d ()-]*")


def contact_table(standings: Iterable[Standing]) -> bytes:
    """Who has not submitted and whom to ring: a line for each contact, or one where none is known."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\r\n", restval="")
    table.writeheader()
    table.writerows(line for standing in standings for line in _lines(standing))
    return (_MARK + text.getvalue()).encode()


def _lines(standing: Standing) -> Iterator[dict[str, str]]:
    contract, key = standing.contract, standing.key
    agreement = contract.subcontract[key.subcontract]
    organisation = contract.organisation.get(agreement.organisation)
    about = {
        "month": str(key.month),
        "collection": key.collection,
        "collection_name": contract.collection[key.collection].name,
        "subcontract": key.subcontract,
        "organisation": agreement.organisation,
        "organisation_name": organisation.name if organisation else agreement.organisation,
        "due": moment_text(standing.deadlines.due),
    }
    for contact in agreement.contacts or (None,):
        told = {} if contact is None else {name: value or "" for name, value in _contact(contact).items()}
        yield {name: _harmless(value) for name, value in {**about, **told}.items()}


def _contact(contact: Contact) -> dict[str, str | None]:
    return contact.model_dump()


def _harmless(text: str) -> str:
    """The text as no spreadsheet runs it; a telephone number stays one."""
    return text if _TELEPHONE.fullmatch(text) else tame(text)
