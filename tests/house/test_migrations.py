"""A migration is NNNN_what_it_does.py: one line of them, each with its way back (rule 9)."""

import ast
import re
from collections.abc import Iterator, Sequence

from tests.house.tree import Source, planted, sources


def migrations() -> list[Source]:
    return [source for source in sources("migrations") if source.path.startswith("migrations/versions/") and "__init__" not in source.path]


def constant(source: Source, name: str) -> object:
    for node in source.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            return value.value if isinstance(value, ast.Constant) else None
    return None


def out_of_line(files: Sequence[Source]) -> Iterator[str]:
    """Names, numbers and order: each goes on from the one before, so that there is one head."""
    previous: object = None
    for number, source in enumerate(files, start=1):
        stem = source.module.split(".")[-1]
        if not re.fullmatch(rf"{number:04d}(_[a-z0-9]+)+", stem):
            yield f"{source.path}: expected {number:04d}_what_it_does.py"
        revision = constant(source, "revision")
        if revision not in {stem, stem[:4]}:
            yield f"{source.path}: its revision is {revision}, not its name or number"
        if constant(source, "down_revision") != previous:
            yield f"{source.path}: does not go on from {previous}"
        previous = revision


def without_a_way_back(source: Source) -> Iterator[str]:
    functions = {node.name: node for node in source.tree.body if isinstance(node, ast.FunctionDef)}
    for name in ("upgrade", "downgrade"):
        if name not in functions:
            yield f"{source.path}: has no {name}"
        elif not any(isinstance(node, ast.Call) for node in ast.walk(functions[name])):
            yield f"{source.path}: {name} does nothing"
        elif any(isinstance(node, ast.Raise) for node in ast.walk(functions[name])):
            yield f"{source.path}: {name} refuses"


def test_migrations_stand_in_one_line_and_go_back() -> None:
    assert migrations()
    assert not list(out_of_line(migrations()))
    assert not [fault for source in migrations() for fault in without_a_way_back(source)]


def test_a_second_head_a_gap_and_a_one_way_street_are_noticed() -> None:
    first = planted("revision = '0001'\ndown_revision = None\n", path="migrations/versions/0001_the_first.py")
    second = planted("revision = '0002'\ndown_revision = '0001'\n", path="migrations/versions/0002_the_next.py")
    other_head = planted("revision = '0003'\ndown_revision = '0001'\n", path="migrations/versions/0003_another_head.py")
    assert not list(out_of_line([first, second]))
    assert list(out_of_line([first, second, other_head]))
    assert list(out_of_line([first, other_head]))
    assert list(out_of_line([planted("revision = 'abc'\n", path="migrations/versions/abc_unnumbered.py")]))
    assert list(without_a_way_back(planted("def upgrade() -> None:\n    op.execute('')\n")))
    assert list(without_a_way_back(planted("def upgrade() -> None:\n    op.execute('')\n\n\ndef downgrade() -> None:\n    pass\n")))
