"""What each floor may reach, through whatever it imports: the floors are those that pyproject.toml lists, so a new file needs no other list (rule 2)."""

import ast
from collections.abc import Iterator, Mapping

from tests.house.test_walls import contracts, modules_of
from tests.house.tree import imported, sources

Graph = Mapping[str, frozenset[str]]

TABLES = {"sqlalchemy", "psycopg", "alembic"}
HTTP = {"fastapi", "starlette", "httpx", "uvicorn"}
# A rule is a function of values: no table, wire, log, clock or chance.
THE_WORLD = TABLES | HTTP | {"structlog", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time"}
# As pure as the ground, though it stands elsewhere: what is strictly read is JSON on the wire, in an export and in a proof.
PURE_ELSEWHERE = {"app.web.intake"}
# Operators' commands stand at the top of a room, and are handed the engine.
COMMANDS = "commands"


def graph() -> Graph:
    """What each module imports by itself, at its head or within a function: names of the application in full, and of libraries their first word."""
    modules = {source.module for source in sources("app")}
    return {source.module: frozenset(_named(name, modules) for name, _ in imported(source.tree)) for source in sources("app")}


def _named(name: str, modules: set[str]) -> str:
    if not name.startswith("app."):
        return name.partition(".")[0]
    return name if name in modules else name.rpartition(".")[0]


def reached(module: str, graph: Graph) -> set[str]:
    """All that a module imports, and what that imports in turn."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        new = graph.get(waiting.pop(), frozenset()) - found
        found |= new
        waiting += new
    return found


def faults(graph: Graph) -> Iterator[str]:
    floors = contracts()["floors"]
    wire, shapes, steps, stores, keys, ground = modules_of(floors["layers"])
    rooms = {*floors["containers"], "app.demo"}

    def on(module: str, *names: set[str]) -> bool:
        room, _, name = module.rpartition(".")
        return room in rooms and any(name in each for each in names)

    for module in graph:
        if on(module, ground) or module in PURE_ELSEWHERE or module.startswith("app.kernel."):
            for other in reached(module, graph):
                if other in THE_WORLD or other.startswith("app.db") or on(other, wire, shapes, steps, stores, keys):
                    yield f"{module} is a rule, and reaches {other}"
        if on(module, steps, stores, keys) or module.startswith("app.db."):
            yield from (f"{module} knows nothing of the wire, and reaches {other}" for other in reached(module, graph) & HTTP)
        if on(module, wire, shapes) and not module.endswith(f".{COMMANDS}"):
            yield from (f"{module} speaks to tables by {other}" for other in graph[module] & TABLES)


def asked_of_tables(module: str, tree: ast.AST) -> Iterator[str]:
    """What the wire takes from a store by itself: it may name the values that a store answers with, and asks it nothing."""
    wire, shapes, _, stores, *_ = modules_of(contracts()["floors"]["layers"])
    name = module.rpartition(".")[2]
    if name in wire | shapes and name != COMMANDS:
        for taken, line in imported(tree):
            above, _, what = taken.rpartition(".")
            if above.startswith("app.") and above.rpartition(".")[2] in stores and not (what[0].isupper() and not what.isupper()):
                yield f"{module}:{line}: takes {taken} from a store; an action asks it"


def test_every_floor_keeps_to_what_it_may_reach() -> None:
    assert sorted(faults(graph())) == []
    assert not [fault for source in sources("app") for fault in asked_of_tables(source.module, source.tree)]


def test_a_floor_that_reaches_too_far_is_noticed() -> None:
    there = graph()
    for module, reaches in (
        ("app.returns.cells", "app.returns.store"),
        ("app.kernel.months", "app.settings"),
        ("app.web.intake", "app.web.problems"),
        ("app.returns.queries", "time"),
        ("app.returns.store", "app.web.problems"),
        ("app.returns.backfill_actions", "fastapi"),
        ("app.db.bulk", "httpx"),
        ("app.publications.peer_api", "sqlalchemy"),
        ("app.returns.files_schemas", "psycopg"),
    ):
        assert module in there
        assert any(fault.startswith(module) for fault in faults({**there, module: there[module] | {reaches}})), module
    assert list(asked_of_tables("app.returns.api", ast.parse("from app.returns.store import revision")))
    assert not list(asked_of_tables("app.returns.api", ast.parse("from app.returns.store import Revision")))
