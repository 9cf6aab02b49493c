"""The manifest of a publication: what it was made of and what it is made of, signed, and chained to the one before."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from app.calendar.expected import ReturnKey
from app.kernel.months import Month
from app.publications.domain import WHOLE, Audience
from app.reports.results import ReturnStatus

FIRST: Final = "0" * 64
"""What the first manifest of a programme is chained to."""


class ReturnRead(NamedTuple):
    """Where a return stood when it was read."""

    revision: int | None
    content_sha256: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Made:
    """What figures were made of, as a manifest says it: returns, digests of earlier months, the contract, the imports and the method."""

    returns: Mapping[ReturnKey, ReturnRead]
    history: Mapping[Month, str]
    contract_recorded_at: str
    imports_sha256: str
    method_version: str


def returns_of(statuses: Iterable[ReturnStatus]) -> dict[ReturnKey, ReturnRead]:
    return {status.key: ReturnRead(status.revision, status.content_sha256, status.state) for status in statuses}


def said(made: Made) -> dict[str, Any]:
    """What figures were made of, as members of a manifest."""
    returns = [{**key._asdict(), **read._asdict()} for key, read in sorted(made.returns.items())]
    return {
        "method_version": made.method_version,
        "contract_recorded_at": made.contract_recorded_at,
        "imports_sha256": made.imports_sha256,
        "returns": returns,
        "history": {str(month): digest for month, digest in sorted(made.history.items())},
    }


def made_of(manifest: bytes) -> Made:
    """What a manifest says that its figures were made of."""
    told = json.loads(manifest)
    returns = {
        ReturnKey(each["collection"], each["subcontract"], Month.parse(each["month"])): ReturnRead(
            each["revision"], each["content_sha256"], each["state"]
        )
        for each in told["returns"]
    }
    history = {Month.parse(month): digest for month, digest in told["history"].items()}
    return Made(returns, history, told["contract_recorded_at"], told["imports_sha256"], told["method_version"])


def audience_named(audience: Audience) -> dict[str, str | None]:
    """An audience as renditions and manifests name it."""
    return {"audience": audience.kind, "audience_code": None if audience.code == WHOLE else audience.code}
