"""Where people may be named: every column that can hold words, what it holds, and until when each kind is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from app.kernel import events

ERASED: Final = events.ERASED
"""What stands where somebody was named."""


class Holds(StrEnum):
    """What a column holds of people."""

    PEOPLE = "people"
    WORDS = "words"
    FILES = "files"
    PUBLISHED = "published"
    RECORD = "record"


MEANING: Final[Mapping[Holds, str]] = {
    Holds.PEOPLE: "Staff of the integrator, of subcontracts and of commissioners, by name, address and number: so that whoever is late can be rung, and acts have an author. Erased on demand.",
    Holds.WORDS: "What somebody wrote of a figure or a decision. It is to name nobody; where it does, the name is struck out on demand and the rest stays.",
    Holds.FILES: "What was sent, as it was sent, and answers kept for repeats (30 days): looked through on demand, and taken away whole where it names somebody.",
    Holds.PUBLISHED: "Published and signed: it cannot be changed without breaking what others hold. Where it names somebody that is said, and it is kept.",
    Holds.RECORD: "The audit record, which proves who did what: kept, for the same reason.",
}

HOLDS: Final[Mapping[str, Holds]] = {
    "assignments.waiver_approver": Holds.PEOPLE,
    "assignments.waiver_reason": Holds.WORDS,
    "cells.explanation": Holds.WORDS,
    "cells.reason": Holds.WORDS,
    "clients.name": Holds.PEOPLE,
    "events.client_name": Holds.RECORD,
    "events.details": Holds.RECORD,
    "events.subject": Holds.RECORD,
    "idempotency_keys.body": Holds.FILES,
    "measure_proposals.reason": Holds.WORDS,
    "phase_decisions.conditions": Holds.WORDS,
    "phase_decisions.reason": Holds.WORDS,
    "publication_drafts.commentary": Holds.WORDS,
    "publications.commentary": Holds.PUBLISHED,
    "publications.manifest": Holds.PUBLISHED,
    "publications.reason": Holds.PUBLISHED,
    "query_messages.text": Holds.WORDS,
    "renditions.compressed": Holds.PUBLISHED,
    "renditions.differences": Holds.PUBLISHED,
    "renditions.reason": Holds.PUBLISHED,
    "reopenings.reason": Holds.WORDS,
    "revisions.nil_reason": Holds.WORDS,
    "revisions.note": Holds.WORDS,
    "row_query_messages.text": Holds.WORDS,
    "settlement_acts.reason": Holds.WORDS,
    "settlement_disputes.answer": Holds.WORDS,
    "settlement_disputes.reason": Holds.WORDS,
    "settlement_disputes.resolution": Holds.WORDS,
    "settlement_inputs.source": Holds.WORDS,
    "settlement_rules.reason": Holds.WORDS,
    "settlement_rules.rules": Holds.PUBLISHED,
    "settlement_statements.content": Holds.PUBLISHED,
    "settlements.content": Holds.PUBLISHED,
    "settlements.reason": Holds.WORDS,
    "sign_offs.statement": Holds.WORDS,
    "subcontracts.assurance": Holds.WORDS,
    "subcontracts.commissioner_approval": Holds.WORDS,
    "subcontracts.contacts": Holds.PEOPLE,
    "subcontracts.extension": Holds.WORDS,
    "subcontracts.status_history": Holds.WORDS,
    "subcontracts.variations": Holds.WORDS,
    "submitted_files.deflated": Holds.FILES,
    "submitted_files.file_name": Holds.FILES,
    "successions.note": Holds.WORDS,
}
"""Every column that may name a person, by table and column. Codes, ids and whoever did something stand in columns of their own: a client's
id is a pseudonym, which `clients.name` alone resolves."""

NAMES_NOBODY: Final = frozenset(
    [
        "assignments.line",
        "backfill_results.code",
        "backfill_results.collection",
        "backfill_results.detail",
        "backfill_results.errors",
        "backfill_results.outcome",
        "backfill_results.status",
        "backfill_results.subcontract",
        "backfills.body_sha256",
        "backfills.media_type",
        "baselines.document_sha256",
        "calendar_days.name",
        "cells.explanation_code",
        "cells.state",
        "checkpoints.sha256",
        "checkpoints.statement",
        "client_keys.sha256",
        "client_public_keys.members",
        "client_tokens.sha256",
        "collections.close",
        "collections.deadlines_from",
        "collections.due",
        "collections.every",
        "collections.freeze",
        "collections.measures",
        "collections.name",
        "collections.rules",
        "collections.sign_off",
        "commissioners.name",
        "events.previous_sha256",
        "events.request_id",
        "events.sha256",
        "handover_comparisons.state",
        "handovers.received",
        "handovers.sent",
        "handovers.tolerance",
        "idempotency_keys.fingerprint",
        "idempotency_keys.headers",
        "imports.address",
        "imports.basis",
        "imports.status",
        "imports.unit",
        "ledger.last_event_sha256",
        "measure_proposals.line",
        "measure_proposals.replaces_sha256",
        "measure_proposals.state",
        "measures.aggregation",
        "measures.ambition",
        "measures.basis",
        "measures.breakdown",
        "measures.denominator",
        "measures.direction",
        "measures.disclosure",
        "measures.example",
        "measures.kind",
        "measures.name",
        "measures.numerator",
        "measures.numeric_kind",
        "measures.rules",
        "measures.site_map",
        "measures.source",
        "measures.split_by",
        "measures.statistic",
        "measures.supersedes",
        "measures.unit",
        "measures.unknown",
        "month_results.figures",
        "month_results.rows",
        "month_results.sha256",
        "organisations.identifiers",
        "organisations.kind",
        "organisations.name",
        "pathways.name",
        "pathways.sites",
        "phase_decisions.decision",
        "phase_decisions.evidence_sha256",
        "phase_decisions.state",
        "phases.gate",
        "phases.name",
        "phases.payment",
        "programmes.contract_year_starts",
        "programmes.name",
        "programmes.publication",
        "programmes.quality",
        "programmes.rag",
        "publication_drafts.inputs_sha256",
        "publication_preparations.compressed",
        "publication_preparations.differences",
        "publication_preparations.parts",
        "publication_preparations.reason",
        "publications.inputs_sha256",
        "publications.kind",
        "publications.manifest_sha256",
        "publications.previous_sha256",
        "publications.status",
        "queries.cells",
        "queries.origin",
        "queries.state",
        "query_messages.act",
        "query_messages.party",
        "renditions.kind",
        "renditions.parts",
        "renditions.sha256",
        "renditions.status",
        "report_rows.rows",
        "report_rows.sha256",
        "requirements.applies_to",
        "requirements.collectability",
        "requirements.judged_on",
        "requirements.process_control",
        "requirements.rag",
        "requirements.schedule_ref",
        "requirements.targets",
        "requirements.weight",
        "returns.act",
        "returns.status",
        "revisions.content_sha256",
        "revisions.expected_sha256",
        "revisions.media_type",
        "revisions.submitted_as",
        "revisions.submitted_sha256",
        "revisions.warnings",
        "row_queries.about",
        "row_queries.state",
        "row_query_messages.act",
        "row_query_messages.party",
        "segments.measures",
        "segments.name",
        "settlement_inputs.state",
        "settlement_rules.rules_sha256",
        "settlement_rules.state",
        "settlement_statements.content_sha256",
        "settlements.amounts",
        "settlements.causes",
        "settlements.content_sha256",
        "settlements.kind",
        "settlements.mode",
        "settlements.publications",
        "sign_offs.signed_as",
        "signing_keys.public_key",
        "sites.name",
        "subcontracts.sector",
        "subcontracts.settings",
        "subcontracts.status",
        "subcontracts.value_by_year",
    ]
)
"""Every other column of text, JSON or bytes: names of organisations and things, words of ours, digests, figures."""


class Kind(StrEnum):
    """A kind of record that may be let go so many years after the contract's end."""

    PEOPLE = "people"
    WORDS = "words"
    FILES = "files"
    RECORDS = "records"


LET_GO: Final[Mapping[Kind, str]] = {
    Kind.PEOPLE: "contacts, who waived, and names of revoked clients are erased",
    Kind.WORDS: "notes, explanations and messages are struck out",
    Kind.FILES: "files as they were submitted are taken away",
    Kind.RECORDS: "contract, returns and results are taken away; the audit record and what was published stay",
}
LEAST_YEARS: Final[Mapping[Kind, int]] = {Kind.PEOPLE: 0, Kind.WORDS: 0, Kind.FILES: 0, Kind.RECORDS: 6}
"""Records of a contract are needed for six years after its end, twelve if it was a deed (Limitation Act 1980; NHS Records Management Code)."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long one kind of a programme's records is kept: for ever, until a day, or held whatever the day."""

    programme: str
    kind: Kind
    ends_on: date
    years: int | None
    held: bool

    @property
    def until(self) -> date | None:
        """The first day on which it may be let go; None for never."""
        return None if self.years is None else years_after(self.ends_on, self.years)

    def is_over(self, today: date) -> bool:
        return not self.held and self.until is not None and today >= self.until


def years_after(day: date, years: int) -> date:
    """The same day so many years later, and the day after it: what lasts until a day lasts through it."""
    try:
        later = day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
    return date.fromordinal(later.toordinal() + 1)


def names_a_person(text: str) -> bool:
    """Whether a text can be looked for everywhere without hitting codes and words: a full name or an address of e-mail."""
    return len(text.strip()) >= 5 and (" " in text.strip() or "@" in text) and text.isprintable()
