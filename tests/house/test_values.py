"""Rules are functions of values: who commits, what stores answer, where the clock, chance and floats may be met (rules 2, 3, 4 and 7)."""

import ast
from collections.abc import Iterator

from tests.house.tree import Source, calls, imported, planted, room, sources

# The edge: what stands here takes the clock and hands it inwards.
MAY_COMMIT = {
    "web": "ends the transaction before the answer",
    "cli": "an operator's command",
    "demo": "each act of the story is one transaction",
}
MAY_COMMIT_FILES = {
    "app/audit/commands.py": "operators' commands",
    "app/db/ahead.py": "how a connection commits with statements on their way, when it is told to",
    "app/db/schema.py": "migrations are transactions of their own, before anything is served",
    "app/db/server_roles.py": "roles come before the tables that are granted to them",
}

CLOCK_AND_CHANCE = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "random.",
    "secrets.",
    "uuid.",
    "os.urandom",
    "func.now",
    "func.current_timestamp",
    "func.clock_timestamp",
    "func.random",
}
MAY_ASK = {
    "web": "takes the moment of a request and names it",
    "cli": "takes the moment of a command",
    "main": "wires the clock in",
    "telemetry": "stamps log lines and times requests",
    "demo": "moments are told by the story; keys are new each time",
    "client": "runs on the caller's machine",
}
# Files below the edge that need chance, with the reason.
MAY_ASK_FILES = {
    "app/access/keys.py": "a key's secret is chance",
    "app/db/embedded.py": "passwords of a cluster of our own; waits for a server with a deadline",
}

MAY_FLOAT = {"app/kernel/figures.py": "the one place where a figure meets a float"}
# Seconds to wait are not figures. (The wire's examples, in api.py and schemas.py, show numbers as JSON writes them.)
SECONDS = {"settings", "telemetry", "web", "cli", "client", "db", "main", "demo"}

# What a query is made of and answers with.
OF_QUERIES = {"CursorResult", "Result", "Row", "RowMapping", "ScalarResult", "Select"}


def commits(source: Source) -> Iterator[str]:
    if room(source.path) in MAY_COMMIT or source.path in MAY_COMMIT_FILES:
        return
    for name, call in calls(source.tree):
        if name.endswith((".commit", ".rollback")) and not call.args:
            yield f"{source.path}:{call.lineno}: {name}() below the edge; the caller owns the transaction"


def hands_out_rows(source: Source) -> Iterator[str]:
    """A store's public functions that answer with what only SQLAlchemy knows."""
    if not source.path.endswith("store.py"):
        return
    theirs = {name.rpartition(".")[2] for name, _ in imported(source.tree) if name.startswith("sqlalchemy.")} & OF_QUERIES
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.returns is not None:
            for name in {part.id for part in ast.walk(node.returns) if isinstance(part, ast.Name)} & theirs:
                yield f"{source.path}:{node.lineno}: {node.name} hands out a {name}; a store answers with values"


def asks_the_clock_or_chance(source: Source) -> Iterator[str]:
    if room(source.path) in MAY_ASK or source.path in MAY_ASK_FILES:
        return
    said = dict(imported(source.tree))
    for name, line in said.items():
        if f"{name}.".startswith(("random.", "secrets.", "uuid.")):
            yield f"{source.path}:{line}: imports {name}; chance arrives as an argument"
    for name, call in calls(source.tree):
        if any(f".{name}".endswith(f".{asked}") for asked in CLOCK_AND_CHANCE if not asked.endswith(".")):
            yield f"{source.path}:{call.lineno}: {name}() asks the clock or chance; it arrives as an argument"


def floats(source: Source) -> Iterator[str]:
    if source.path in MAY_FLOAT or room(source.path) in SECONDS:
        return
    shows_examples = source.path.endswith(("api.py", "schemas.py"))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and not shows_examples:
            yield f"{source.path}:{node.lineno}: the float {node.value}"
        if isinstance(node, ast.Name) and node.id in {"float", "Float", "REAL", "DOUBLE_PRECISION"}:
            yield f"{source.path}:{node.lineno}: {node.id} near figures"


def test_nothing_below_the_edge_commits() -> None:
    assert not [fault for source in sources("app") for fault in commits(source)]


def test_a_commit_below_the_edge_is_noticed() -> None:
    text = "def act(session):\n    session.commit()\n"
    assert list(commits(planted(text, path="app/returns/actions.py")))
    assert not list(commits(planted(text, path="app/web/unit.py")))


def test_a_store_answers_with_values() -> None:
    assert not [fault for source in sources("app") for fault in hands_out_rows(source)]
    text = "from sqlalchemy import Row\n\ndef revisions() -> list[Row]: ...\n"
    assert list(hands_out_rows(planted(text, path="app/returns/store.py")))
    assert not list(hands_out_rows(planted(text.replace("revisions", "_revisions"), path="app/returns/store.py")))


def test_the_clock_and_chance_arrive_as_arguments() -> None:
    assert not [fault for source in sources("app") for fault in asks_the_clock_or_chance(source)]


def test_asking_the_clock_or_chance_is_noticed() -> None:
    for text in (
        "now = datetime.now(UTC)\n",
        "today = datetime.date.today()\n",
        "import time\nat = time.time()\n",
        "import secrets\n",
        "from random import choice\n",
        "from uuid import uuid4\n",
        "at = sqlalchemy.func.now()\n",
    ):
        assert list(asks_the_clock_or_chance(planted(text))), text
        assert not list(asks_the_clock_or_chance(planted(text, path="app/cli/returns.py"))), text
    assert not list(asks_the_clock_or_chance(planted("def accept(*, now: datetime) -> None:\n    at = max(now, now)\n")))


def test_the_files_that_may_ask_are_still_there_and_still_ask() -> None:
    """An exception that nothing needs any more is taken back."""
    there = {source.path for source in sources("app")}
    for path in (set(MAY_ASK_FILES) | set(MAY_FLOAT)) & there:
        text = next(source.text for source in sources("app") if source.path == path)
        assert "secrets" in text or "time." in text or "float" in text, path


def test_no_float_near_a_figure() -> None:
    assert not [fault for source in sources("app") for fault in floats(source)]


def test_a_float_near_a_figure_is_noticed() -> None:
    for text in ("share = 0.85\n", "ratio = float(top) / float(bottom)\n", "def ratio() -> float: ...\n", "value = Column(Float)\n"):
        assert list(floats(planted(text, path="app/reports/aggregation.py"))), text
    assert not list(floats(planted("share = Decimal('0.85')\n", path="app/reports/aggregation.py")))
