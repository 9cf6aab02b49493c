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
from app.demo.document import PROGRAMME, SUBCONTRACTS, document
from app.demo.story import CORRECTED_SUBCONTRACT, GAP_MEASURE, GAP_REASON, PUBLISHING, Act, Deed, beginning
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
from app.returns.review_actions import accept, sign
from app.web.intake import parse

INTEGRATOR: Final = "demo-integrator"
HOSPICE: Final = "demo-hospice"
HOSPICE_SUBCONTRACT: Final = "SC-H9903"
"""The hospice whose last return is missing, so that its list of what it owes says something."""

ANALYST: Final = "demo-analyst"


class Person(NamedTuple):
    """Somebody of the demonstration: the client's name, role and scope."""

    name: str
    role: Role
    subcontract: str | None = None
    commissioner: str | None = None


PEOPLE: Final[Mapping[str, Person]] = {
    "INTEGRATOR": Person(INTEGRATOR, Role.CONTRACT_MANAGER),
    "HOSPICE": Person(HOSPICE, Role.PREPARER, HOSPICE_SUBCONTRACT),
    "COMMISSIONER": Person("demo-commissioner", Role.COMMISSIONER_LEAD, commissioner="05W"),
    "SECOND": Person("demo-second-manager", Role.CONTRACT_MANAGER),
    "APPROVER": Person("demo-approver", Role.APPROVER, HOSPICE_SUBCONTRACT),
    "ADMINISTRATOR": Person("demo-administrator", Role.ADMINISTRATOR),
}
"""Who may try the demonstration, by the name of the variable that holds the key: for each role, and for what takes two people."""

IMPORTED_MEASURE: Final = "CWT-62"
SURVIVAL: Final = {"04Y": 74, "05G": 73, "05V": 75, "05W": 71}
"""Out of a hundred, invented like everything else."""

_REASONS: Final = {1: "The month's returns are in.", 2: "A treatment that was counted late had been in time."}


class NotEmpty(Refusal):
    """The demonstration tells a year that is past: it needs a database in which nothing was recorded."""

    code = "not_empty"
    kind = Kind.CONFLICT
    title = "The database is not empty"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who acts: the integrator's contract manager and its analyst, a hospice's approver, and each subcontract's preparer."""

    integrator: Actor
    analyst: Actor
    approver: Actor
    preparers: Mapping[str, Actor]

    def who(self, act: Act) -> Actor:
        if act.deed is Deed.DRAFT:
            return self.analyst
        if act.deed is Deed.SIGN:
            return self.approver
        return self.integrator if act.deed in {Deed.ACCEPT, Deed.IMPORT, *PUBLISHING} else self.preparers[act.key.subcontract]


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

    names = {reference: HOSPICE if reference == HOSPICE_SUBCONTRACT else f"demo-{reference}" for reference in SUBCONTRACTS}
    preparers = {reference: engaged(name, Role.PREPARER, reference) for reference, name in names.items()}
    approver = PEOPLE["APPROVER"]
    return Cast(
        engaged(INTEGRATOR, Role.CONTRACT_MANAGER, None),
        engaged(ANALYST, Role.ANALYST, None),
        engaged(approver.name, approver.role, approver.subcontract),
        preparers,
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
    if act.deed is Deed.IMPORT:
        record_imports(session, PROGRAMME, list(enumerate(imported_in(contract, act, seed=seed))), (), actor=actor, now=act.at)
        return
    sent = body_of(contract, act, seed=seed)
    submit(session, PROGRAMME, act.key, parse(sent), sent=sent, media_type="application/json", actor=actor, now=act.at)


def bring_out(session: Session, act: Act, *, actor: Actor, keyring: Keyring) -> None:
    """The same of an act by which a month's report is drafted, checked or published."""
    month, now = act.key.month, act.at
    if act.deed is Deed.DRAFT:
        commentary = f"{_REASONS[act.number]} The figures are invented."
        edit(session, PROGRAMME, month, commentary=commentary, as_of=None, check=lambda _current: None, actor=actor, now=now)
    elif act.deed is Deed.CHECK:
        drafted = draft(session, PROGRAMME, month)
        assert drafted is not None, "the analyst drafts before the contract manager checks"
        check(session, PROGRAMME, month, draft_sha256=drafted.sha256, actor=actor, now=now)
    else:
        publish(session, PROGRAMME, month, reason=_REASONS[act.number], keyring=keyring, actor=actor, now=now)


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
    random = Random(f"{seed}/{key.collection}/{key.subcontract}/{key.month}")  # noqa: S311 - invented figures, the same for the same seed
    cells = figures.cells_of(key.subcontract, key.month, expected_cells(contract, key), measures, random)
    if act.deed is Deed.SEND_WITH_GAP:
        cells = figures.not_collected(cells, GAP_MEASURE, GAP_REASON)
    if act.deed is Deed.CORRECT or act.deed is Deed.IMPORT:
        cells = figures.correction(cells)
    note = "One treatment was found to have been in time." if act.deed is Deed.CORRECT else ""
    body: dict[str, Any] = {"rest": "zero", "cells": cells, "note": note}
    return json_bytes(body)
