"""The matrix with the application's own filters switched off (A2): it takes everybody for an administrator of everything, and the database does not.

Nothing is patched: the application is given another way to find out who calls, which says "whoever reaches everything", and an engine whose
transactions still carry the tenant that the caller really is. What is then answered was let through by row-level security alone. An answer may be a
refusal or a defect, only never another's; and nothing of another's has changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Engine, event, text

from app.access.actions import authenticate
from app.db.engine import make_engine
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import EVERY, Actor
from app.web.callers import Callers
from app.web.kept import KeptAnswers
from app.web.rates import Rates
from tests.safety.matrix import ELSEWHERE, OTHER, OWN, Matrix, Request, requests, strangers
from tests.safety.world import HERE, THERE, World, price

WITHHELD: Final = str(price(HERE, 0))
"""What the whole programme is worth stands in the row that every party's contract is read from: the application alone withholds it."""
PARTIES: Final = ("contract_manager", "preparer", "commissioner_lead")


@contextmanager
def without_filters(world: World, key: str) -> Iterator[None]:
    """For a while the application takes this key's holder for an administrator of everything."""
    with open_session(world.database.engine, INSTALLATION) as session:
        caller = authenticate(session, key, now=world.moment)
        session.rollback()
    boundless = replace(caller, role="administrator", programme=EVERY, subcontract=EVERY, commissioner=EVERY)
    engine = make_engine(world.database.urls.application, world.database.settings)

    def as_it_is(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        if isinstance(parameters, dict) and parameters.get("client") == caller.client and "mainstem.programme" in statement:
            real = {"programme": caller.programme, "subcontract": caller.subcontract or "", "commissioner": caller.commissioner or ""}
            parameters = parameters | real
        return statement, parameters

    event.listen(engine, "before_cursor_execute", as_it_is, retval=True)
    state = world.web.app.state
    filtered = state.service
    state.service = replace(filtered, engine=engine, callers=_believing(engine, boundless, state.strangers), kept=KeptAnswers())
    try:
        yield
    finally:
        state.service = filtered
        engine.dispose()


def _believing(engine: Engine, actor: Actor, strangers: Rates) -> Callers:
    return Callers(engine, lambda *_: actor, lambda _: False, lambda *_: actor, strangers=strangers, threads=None)


def let_through(matrix: Matrix, *, every: int = 1) -> Iterator[str]:
    """What anybody is told of another's, or has changed of it, by walls alone; of all that could be asked, every so-manieth."""
    before = _held(matrix.world, THERE)
    for place, party in enumerate(PARTIES):
        with without_filters(matrix.world, matrix.key(party) or ""):
            for request in list(_asked(matrix, party))[place % every :: every]:
                told = strangers(matrix, request, matrix.ask(request).answer)
                yield from (f"{request} tells of {word}" for word in told if word != WITHHELD)
    after = _held(matrix.world, THERE)
    yield from (f"{table} of another programme has changed" for table in before if before[table] != after[table])


def _asked(matrix: Matrix, party: str) -> Iterator[Request]:
    yield from (each for each in requests(matrix) if each.caller == party and each.kind in {OWN, OTHER, ELSEWHERE})


def _held(world: World, programme: str) -> dict[str, str | None]:
    """The digest of all that each table holds of a programme."""
    found = {}
    with world.database.superuser_engine.connect() as connection:
        tables = (
            connection.execute(text("SELECT table_name FROM information_schema.columns WHERE column_name = 'programme'")).scalars().all()
        )
        for table in tables:
            rows = text(f"SELECT md5(string_agg(line::text, '' ORDER BY line::text)) FROM {table} AS line WHERE programme = :programme")
            found[table] = connection.execute(rows, {"programme": programme}).scalar_one()
    return found
