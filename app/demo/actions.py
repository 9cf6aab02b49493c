"""The demonstration told through the rooms' own actions, each act at its own moment. The caller owns the transactions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final, NamedTuple

from sqlalchemy.orm import Session

from app.access import store as clients
from app.access.actions import add_key, create_client, revoke_key
from app.access.domain import Client, Permission, Role, require
from app.calendar.contract import Contract
from app.calendar.expected import expected_cells
from app.calendar.store import load_contract
from app.configuration.actions import apply_configuration
from app.demo import figures, store
from app.demo.document import PROGRAMME, SUBCONTRACTS, TREATS, document
from app.demo.settling import settle
from app.demo.story import (
    CORRECTED_SUBCONTRACT,
    GAP_MEASURE,
    GAP_REASON,
    SENDING,
    SETTLING,
    SHORT,
    Act,
    Deed,
    beginning,
)
from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.kernel.refusals import Kind, Refusal
from app.publications.draft_actions import check, edit
from app.publications.keys import Keyring
from app.publications.publish_actions import publish
from app.publications.store import draft
from app.reports.import_actions import record_imports
from app.reports.imports import Import
from app.returns.actions import submit
from app.returns.queries import QueryAct
from app.returns.query_actions import Said, say
from app.returns.review_actions import accept, sign
from app.web.intake import parse

HOSPICE_SUBCONTRACT: Final = "SC-H9903"
"""The hospice whose last return is missing, so that its list of what it owes says something."""


class Person(NamedTuple):
    """Somebody of the demonstration: the client's name, role and scope."""

    name: str
    role: Role
    subcontract: str | None = None
    commissioner: str | None = None


PEOPLE: Final[Mapping[str, Person]] = {
    "INTEGRATOR": Person("demo-integrator", Role.CONTRACT_MANAGER),
    "HOSPICE": Person("demo-hospice", Role.PREPARER, HOSPICE_SUBCONTRACT),
    "COMMISSIONER": Person("demo-commissioner", Role.COMMISSIONER_LEAD, commissioner="05W"),
    "TRUST": Person(f"demo-{TREATS}", Role.PREPARER, TREATS),
    "APPROVER": Person("demo-approver", Role.APPROVER, HOSPICE_SUBCONTRACT),
    "ANALYST": Person("demo-analyst", Role.ANALYST),
    "SECOND": Person("demo-second-manager", Role.CONTRACT_MANAGER),
    "FINANCE": Person("demo-finance", Role.FINANCE),
    "AUDITOR": Person("demo-auditor", Role.AUDITOR),
    "ADMINISTRATOR": Person("demo-administrator", Role.ADMINISTRATOR),
}
"""Who may try the demonstration, by the name of the variable that holds the key: for each role, and for what takes two people or three."""

IMPORTED_MEASURE: Final = "CWT-62"
SURVIVAL: Final = {"04Y": 74, "05G": 73, "05V": 75, "05W": 71}
"""Out of a hundred, invented like everything else."""


class NotEmpty(Refusal):
    """The demonstration tells a year that is past: it needs a database in which nothing was recorded."""

    code = "not_empty"
    kind = Kind.CONFLICT
    title = "The database is not empty"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who acts: the integrator's people and a hospice's approver by their names in `PEOPLE`, and each subcontract's preparer."""

    people: Mapping[str, Actor]
    preparers: Mapping[str, Actor]

    def who(self, act: Act) -> Actor:
        if act.deed in _OF_SUBCONTRACTS:
            return self.preparers[act.key.subcontract]
        return self.people[_DOES.get(act.deed, "INTEGRATOR")]


_OF_SUBCONTRACTS: Final = SENDING | {Deed.CORRECT, Deed.ANSWER}
_DOES: Final[Mapping[Deed, str]] = {
    Deed.SIGN: "APPROVER",
    Deed.DRAFT: "ANALYST",
    Deed.AGREE_TERMS: "SECOND",
    Deed.STATE_COSTS: "FINANCE",
    Deed.AGREE_COSTS: "SECOND",
    Deed.APPROVE: "SECOND",
    Deed.APPROVE_FOR_FINANCE: "FINANCE",
}
"""Who of the integrator's people does what; the rest is its contract manager's."""


def refuse_unless_empty(session: Session, first: Month) -> None:
    """Pass where nothing was recorded since the story began; needs the installation's tenant."""
    there = store.programmes(session)
    if PROGRAMME in there:
        raise NotEmpty("The demonstration programme is there already.")
    last = store.last_recorded_anywhere(session)
    if there or (last is not None and last > beginning(first)):
        raise NotEmpty(
            "The demonstration goes into an empty database only, and something was recorded in this one: choose another MAINSTEM_DATA."
        )


def begin(session: Session, first: Month, *, actor: Actor) -> Contract:
    """Bring the programme into force before its first month."""
    apply_configuration(session, PROGRAMME, document(first), actor=actor, now=beginning(first), expect=lambda _current: None)
    return load_contract(session, PROGRAMME)


def engage(session: Session, first: Month, *, actor: Actor) -> Cast:
    """Make the clients of the story. Nobody is shown their first keys; `new_key` gives others."""
    now = beginning(first)

    def engaged(name: str, role: Role, subcontract: str | None) -> Actor:
        made, _ = create_client(session, name=name, role=role.value, programme=PROGRAMME, subcontract=subcontract, actor=actor, now=now)
        return Actor(made, name, role.value, PROGRAMME, subcontract or EVERY, None if subcontract else EVERY)

    known = {who.subcontract: who.name for who in PEOPLE.values() if who.role is Role.PREPARER}
    acting = {person: PEOPLE[person] for person in ("INTEGRATOR", *sorted({*_DOES.values()}))}
    return Cast(
        {person: engaged(who.name, who.role, who.subcontract) for person, who in acting.items()},
        {reference: engaged(known.get(reference, f"demo-{reference}"), Role.PREPARER, reference) for reference in SUBCONTRACTS},
    )


def new_key(session: Session, person: str, *, actor: Actor, now: datetime) -> str:
    """A new key for one of the people; those that they had are dead from now on. One who was revoked is made anew."""
    require(actor, Permission.CLIENT_MANAGE, programme=PROGRAMME)
    who = PEOPLE[person]
    client = _client(session, who.name)
    if client is None:
        _, made = create_client(
            session,
            name=who.name,
            role=who.role.value,
            programme=PROGRAMME,
            subcontract=who.subcontract,
            commissioner=who.commissioner,
            actor=actor,
            now=now,
        )
        return made
    for key in clients.keys_of(session, client.id):
        if key.revoked_at is None:
            revoke_key(session, key.id, actor=actor, now=now)
    return add_key(session, client.id, actor=actor, now=now)


def _client(session: Session, name: str) -> Client | None:
    live = (client for client in clients.list_clients(session) if client.revoked_at is None and client.scope.programme == PROGRAMME)
    return next((client for client in live if client.name == name), None)


def perform(session: Session, contract: Contract, act: Act, *, actor: Actor, seed: str) -> None:
    """Do what an act says, with its own moment as the clock."""
    if act.deed is Deed.ACCEPT:
        accept(session, PROGRAMME, act.key, actor=actor, now=act.at)
        return
    if act.deed is Deed.SIGN:
        sign(session, PROGRAMME, act.key, revision=1, statement="I have looked at these figures.", actor=actor, now=act.at)
        return
    if act.deed is Deed.ANSWER:
        answer = Said(QueryAct.ANSWERED, "Three were sent on the last day of the month; the others may have counted them in the next.")
        say(session, PROGRAMME, act.key, 1, answer, actor=actor, now=act.at)
        return
    if act.deed is Deed.IMPORT:
        record_imports(session, PROGRAMME, list(enumerate(imported_in(contract, act, seed=seed))), (), actor=actor, now=act.at)
        return
    sent = body_of(contract, act, seed=seed)
    submit(session, PROGRAMME, act.key, parse(sent), sent=sent, media_type="application/json", actor=actor, now=act.at)


def bring_out(session: Session, contract: Contract, act: Act, *, actor: Actor, keyring: Keyring) -> None:
    """The same of an act by which a month's report is drafted, checked or published, or a contract year settled on what was."""
    month, now = act.key.month, act.at
    if act.deed in SETTLING:
        settle(session, contract, act, actor=actor)
    elif act.deed is Deed.DRAFT:
        commentary = f"{act.why} The figures are invented."
        edit(session, PROGRAMME, month, commentary=commentary, as_of=None, check=lambda _current: None, actor=actor, now=now)
    elif act.deed is Deed.CHECK:
        drafted = draft(session, PROGRAMME, month)
        assert drafted is not None, "the analyst drafts before the contract manager checks"
        check(session, PROGRAMME, month, draft_sha256=drafted.sha256, actor=actor, now=now)
    else:
        publish(session, PROGRAMME, month, reason=act.why, keyring=keyring, actor=actor, now=now)


def imported_in(contract: Contract, act: Act, *, seed: str) -> list[Import]:
    """What is published nationally on a day of the story: a trust's month, counted anew, and once a year survival by population."""
    key, published_on = act.key, act.at.date().isoformat()
    counted = [cell for cell in parse(body_of(contract, act, seed=seed))["cells"] if cell["measure"] == IMPORTED_MEASURE]
    numerator, denominator = (sum(cell[name] for cell in counted) for name in ("numerator", "denominator"))
    shared = {"source": "Invented national statistics", "published_on": published_on, "status": "provisional"}
    organisation = contract.subcontract[key.subcontract].organisation
    of_trust = {"measure": IMPORTED_MEASURE, "month": str(key.month), "organisation": organisation, "basis": "provider", **shared}
    lines = [{**of_trust, "numerator": numerator, "denominator": denominator}]
    if key.subcontract == CORRECTED_SUBCONTRACT:
        year = {
            "from_month": str(key.month.plus(-23)),
            "month": str(key.month.plus(-12)),
            "basis": "commissioner",
            "unit": "percent",
            **shared,
        }
        lines += [
            {"measure": "O-SURV1", "commissioner": code, "value": value, "lower": value - 1, "upper": value + 1, **year}
            for code, value in SURVIVAL.items()
        ]
    return [Import.model_validate(line) for line in lines]


def body_of(contract: Contract, act: Act, *, seed: str) -> bytes:
    """What a subcontract sends in an act; a correction starts from what it sent at first."""
    key = act.key
    measures = {measure.code: measure for measure in contract.measures}
    random = Random(f"{seed}/{key.collection}/{key.subcontract}/{key.month}")  # noqa: S311 - invented figures, the same for the same seed; nothing is kept secret by it
    cells = figures.cells_of(key.subcontract, key.month, expected_cells(contract, key), measures, random)
    if act.deed is Deed.SEND_WITH_GAP:
        cells = figures.not_collected(cells, GAP_MEASURE, GAP_REASON)
    if act.deed is Deed.SEND_SHORT:
        cells = figures.short_by(cells, *SHORT)
    if act.deed is Deed.CORRECT or act.deed is Deed.IMPORT:
        cells = figures.correction(cells)
    note = "One treatment was found to have been in time." if act.deed is Deed.CORRECT else ""
    body: dict[str, Any] = {"rest": "zero", "cells": cells, "note": note}
    return json_bytes(body)
