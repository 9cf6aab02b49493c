"""The application: rooms, middleware, problems and lifespan put together. Importing this does nothing."""

import asyncio
import contextlib
import math
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import anyio
from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.types import Lifespan

from app.access.actions import authenticate
from app.access.api import router as callers
from app.access.delegation_api import router as delegations
from app.access.domain import Permission, require
from app.access.token_api import router as tokens
from app.assurance.api import router as assurance
from app.audit.api import router as audit
from app.calendar.api import router as calendar
from app.configuration.api import router as configuration
from app.configuration.assignment_api import router as assignments
from app.configuration.backtest_api import router as backtests
from app.configuration.client_api import router as clients
from app.configuration.gaps_api import router as gaps
from app.configuration.nouns_api import router as nouns
from app.configuration.proposal_api import router as measure_proposals
from app.configuration.weights_api import router as weights
from app.db.embedded import running
from app.db.engine import make_engine
from app.db.schema import Check, Finding, start_findings, start_problems
from app.kernel.canonical import json_bytes
from app.kernel.moments import LONDON
from app.kernel.refusals import Fault, Kind, Refusal
from app.measures.api import router as measures
from app.organisations.api import router as organisations
from app.organisations.store import any_succeeded
from app.phases.api import router as phases
from app.publications.api import KEY_SET
from app.publications.api import keys as signing_keys
from app.publications.api import router as publications
from app.publications.draft_api import router as drafts
from app.publications.observation_api import router as observations
from app.publications.peer_api import router as peers
from app.publications.row_query_api import router as row_queries
from app.publications.schema_api import router as schemas
from app.reports.api import router as reports
from app.reports.audit_actions import last_audits
from app.reports.effect_api import router as submissions
from app.reports.import_api import router as imports
from app.reports.method_api import router as method
from app.returns.api import router as returns
from app.returns.backfill_api import router as backfills
from app.returns.calculators_api import router as calculators
from app.returns.handover_api import router as handovers
from app.returns.quality_api import router as quality
from app.returns.query_api import router as queries
from app.returns.review_api import router as review
from app.returns.rules_api import router as rules
from app.returns.template_api import router as templates
from app.settings import CannotStart, Settings
from app.settlement.api import router as settlement_rules
from app.settlement.method_api import router as settlement_method
from app.settlement.run_api import router as settlements
from app.settlement.statement_api import router as settlement_statements
from app.subcontracts.actions import inheriting
from app.telemetry import Metrics, audited, configure_logging, log
from app.web import problems, reference
from app.web.bodies import HeldBodies
from app.web.callers import REMEMBERED_SECONDS, Callers
from app.web.kept import GivesAgain
from app.web.origins import OpenToAll, OtherOrigins
from app.web.rates import Rates
from app.web.reference import open_refusals, refusals
from app.web.refused import RefusedActs
from app.web.requests import InFlight, Requests
from app.web.waiting import Places, TurnsAway
from app.web.work import CLOSING, Replayed, Service, Unit

ROOMS: Final[tuple[APIRouter, ...]] = (
    configuration,
    nouns,
    weights,
    assignments,
    gaps,
    organisations,
    measures,
    measure_proposals,
    rules,
    backtests,
    calendar,
    assurance,
    returns,
    submissions,
    templates,
    review,
    queries,
    calculators,
    quality,
    handovers,
    backfills,
    reports,
    observations,
    peers,
    row_queries,
    imports,
    drafts,
    publications,
    phases,
    settlement_rules,
    settlements,
    settlement_statements,
    callers,
    delegations,
    clients,
    audit,
)
"""Every room that speaks HTTP, in the order of the reference pages."""

OPEN: Final = frozenset(
    {
        "/livez",
        "/readyz",
        "/docs",
        "/docs/problems",
        "/docs/method",
        "/docs/settlement",
        "/docs/assets/{asset}",
        "/openapi.json",
        "/oauth/token",
        "/v1/schemas/",
        "/v1/schemas/{schema}",
        KEY_SET,
    }
)
"""What answers without a key."""
PROBES: Final = frozenset({"/livez", "/readyz"})
"""What whoever watches over the service or shares out its requests asks: whatever others at its address do, and at no more cost than a refusal has."""

OPERATORS: Final = ("app.cli", "app.demo", "app.configuration.yaml_file")
"""What only operators' commands say; their refusals are not in the register of problems."""

_DESCRIPTION: Final = (
    "The service with which the prime provider of an NHS contract runs its subcontractors: returns in, one consolidated report out."
)


_STRANGER: Final = "This address has asked too often without a valid key."
_CLIENT: Final = "This client asks too often."


class NotReady(Refusal):
    """The service runs but should not be sent requests: `errors` says which check failed: draining, database, schema or role."""

    code: ClassVar[str] = "not_ready"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    title: ClassVar[str] = "The service is not ready"


# Anybody may ask: no address, no role, no table.
_UNFIT: Final = {
    Check.DATABASE: "The database does not answer, or is not one that the service may work on.",
    Check.SCHEMA: "The database's schema is not the one that this program works on.",
    Check.ROLE: "The service's role in the database may do too much or too little.",
}


class Fitness:
    """What forbids the service to work: however many ask at once, the database is looked at once in half a second."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._one_at_a_time = asyncio.Lock()
        self._looked_at = -math.inf
        self._found: list[Finding] = []

    async def findings(self) -> list[Finding]:
        async with self._one_at_a_time:
            if time.monotonic() >= self._looked_at + REMEMBERED_SECONDS:
                self._found = await run_in_threadpool(start_findings, self._engine)
                self._looked_at = time.monotonic()
            return self._found


system = APIRouter(tags=["system"])


def _status(word: str) -> dict[int | str, dict[str, Any]]:
    shape = {"type": "object", "required": ["status"], "properties": {"status": {"const": word}}}
    return {200: {"description": "Yes", "content": {"application/json": {"schema": shape, "example": {"status": word}}}}}


_TEXT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The numbers", "content": {"text/plain": {"schema": {"type": "string"}, "example": "mainstem_defects_total 0.0"}}}
}


@system.get("/livez", response_class=Response, responses=_status("alive") | open_refusals())
async def livez() -> Response:
    """Say that the process runs; nothing else is asked."""
    return Response(json_bytes({"status": "alive"}), media_type="application/json")


@system.get("/readyz", response_class=Response, responses=_status("ready") | open_refusals(NotReady))
async def readyz(request: Request) -> Response:
    """Say whether requests are welcome: the database answers, its schema is at head, the role is safe, no shutdown has begun."""
    state = request.app.state
    if state.in_flight.draining:
        raise NotReady("The service is shutting down.", faults=[Fault("draining", "The service is shutting down.", "Ask another.")])
    found = await state.fitness.findings()
    if found:
        failed = dict.fromkeys(finding.check for finding in found)
        faults = [Fault(check.value, _UNFIT[check], "Ask whoever runs the service: `mainstem doctor` says more.") for check in failed]
        raise NotReady("The service is not ready; see errors.", faults=faults)
    return Response(json_bytes({"status": "ready"}), media_type="application/json")


@system.get("/metrics", response_class=Response, responses=_TEXT | refusals())
def metrics(unit: Unit, request: Request) -> Response:
    """Give the service's own numbers in the text format of Prometheus."""
    require(unit.actor, Permission.METRICS_READ)
    own = generate_latest(request.app.state.metrics.registry)
    return unit.read(own + generate_latest(audited(last_audits(unit.session))), media_type=CONTENT_TYPE_LATEST)


def _callers(engine: Engine, settings: Settings, strangers: Rates) -> Callers:
    # Who is calling is found out while others are worked for, with the connections that these leave.
    spare = settings.pool_size - settings.request_threads
    return Callers(
        engine,
        lambda session, key, now: authenticate(session, key, now=now),
        any_succeeded,
        lambda session, actor, now: inheriting(session, actor, on=now.astimezone(LONDON).date()),
        strangers=strangers,
        threads=anyio.CapacityLimiter(spare) if spare else None,
    )


def lifespan(settings: Settings, clock: Callable[[], datetime]) -> Lifespan[FastAPI]:
    """From the engine's first connection to its last; refuses to begin on an installation that is not fit."""

    @contextlib.asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        configure_logging(settings.log_level)
        async with contextlib.AsyncExitStack() as stack:
            # Threads: starting an embedded server may take seconds, and stopping it too.
            urls = await stack.enter_async_context(_in_thread(running(settings, progress=lambda _: log.info("database_starting"))))
            engine = make_engine(urls.application, settings)
            stack.callback(engine.dispose)
            await _refuse_unfit(engine)
            refused = RefusedActs(engine, clock)
            stack.push_async_callback(asyncio.to_thread, refused.close)
            current_default_thread_limiter().total_tokens = settings.request_threads
            app.state.settings = settings
            app.state.fitness = Fitness(engine)
            app.state.strangers = Rates(settings.address_requests_per_second, _STRANGER)
            app.state.service = Service(
                engine=engine,
                callers=_callers(engine, settings, app.state.strangers),
                clock=clock,
                body_limit_bytes=settings.body_limit_bytes,
                backfill_limit_bytes=settings.backfill_limit_bytes,
                signing_keys=settings.signing_keys_folder,
                closing=anyio.CapacityLimiter(CLOSING),
                refused=refused,
                public_url=settings.public_url,
                bodies=HeldBodies(settings.bodies_bytes),
                # Two of the largest from each of two clients, on disk.
                backfills=HeldBodies(4 * settings.backfill_limit_bytes),
                rates=Rates(settings.client_requests_per_second, _CLIENT),
                places=Places(settings.request_threads, most_waiting=settings.waiting_requests, patience_seconds=settings.wait_seconds),
            )
            with _draining(app.state.in_flight):
                log.info("service_started")
                yield
            log.info("service_stopped")

    return live


def create_app(settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> FastAPI:
    """The service on an installation's settings; nothing is opened before its lifespan begins."""
    app = FastAPI(
        title="Mainstem",
        version="1",
        summary="Subcontractors' returns in, one consolidated report out.",
        description=_DESCRIPTION,
        lifespan=lifespan(settings, clock),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.metrics = Metrics()
    app.state.in_flight = InFlight()
    # The last one added stands outermost.
    app.add_middleware(TurnsAway)
    app.add_middleware(GivesAgain)
    app.add_middleware(OpenToAll, addresses=OPEN - PROBES)
    if settings.allowed_origins:
        app.add_middleware(OtherOrigins, allowed=settings.allowed_origins)
    app.add_middleware(Requests, metrics=app.state.metrics, in_flight=app.state.in_flight, settings=settings)
    problems.install(app)
    app.add_exception_handler(Replayed, _replay)
    register = problems.every_refusal(leaving_out=OPERATORS)
    for router in (*ROOMS, schemas, method, settlement_method, signing_keys, tokens, system, reference.router(register)):
        _share(router, app)
    _publish(app, register)
    return app


def _share(router: APIRouter, app: FastAPI) -> None:
    """Serve what a router has, each route as it is: `include_router` would make every one of them again, at the first request."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.unique_id = route.name
        app.router.routes.append(route)


def _publish(app: FastAPI, register: dict[str, type[Refusal]]) -> None:
    """Serve the contract, made once when it is first asked for."""
    made: list[dict[str, Any]] = []

    def contract() -> dict[str, Any]:
        if not made:
            made.append(reference.document(app, register))
        return made[0]

    async def openapi(_request: Request) -> Response:
        return Response(json_bytes(contract()), headers={"Cache-Control": "no-cache"}, media_type="application/json")

    app.openapi = contract  # type: ignore[method-assign]  # FastAPI documents this way of extending what it publishes
    app.add_route("/openapi.json", openapi, include_in_schema=False)


async def _replay(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Replayed)
    return error.response


async def _refuse_unfit(engine: Engine) -> None:
    found = await run_in_threadpool(start_problems, engine)
    if found:
        sys.stderr.write("".join(f"{sentence}\n" for sentence in found))
        raise CannotStart(" ".join(found))


@contextlib.asynccontextmanager
async def _in_thread(manager: contextlib.AbstractContextManager[Any]) -> AsyncIterator[Any]:
    entered = await asyncio.to_thread(manager.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


@contextlib.contextmanager
def _draining(in_flight: InFlight) -> Iterator[None]:
    """Notice the signal that ends the server, so that readiness says so while what is in flight is answered."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    server = signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: Any) -> None:
        in_flight.draining = True
        if callable(server):
            server(number, frame)
        else:
            signal.signal(number, server or signal.SIG_DFL)
            signal.raise_signal(number)

    signal.signal(signal.SIGTERM, drain)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, server or signal.SIG_DFL)
