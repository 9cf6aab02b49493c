"""Files and functions stay short, a module says what it is for, and its name says it too (rules 1 and 11)."""

import ast
import re
from collections.abc import Iterator

from tests.house.tree import Source, calls, planted, sources

LONGEST_FILE = {"app": 400, "migrations": 400, "tests": 600}
LONGEST_FUNCTION = {"app": 50, "migrations": 50, "tests": 60}
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers", "services", "models"}
ELSEWHERE = re.compile(r"\b(above|below|ditto|see)\b")


def too_long(source: Source) -> Iterator[str]:
    """The lines of a file; of a function, those from its name to its end, its docstring among them."""
    top = source.path.split("/")[0]
    lines = source.text.count("\n")
    if lines >= LONGEST_FILE[top]:
        yield f"{source.path}: {lines} lines (under {LONGEST_FILE[top]})"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines >= LONGEST_FUNCTION[top]:
                yield f"{source.path}:{node.lineno}: {node.name} has {lines} lines (under {LONGEST_FUNCTION[top]})"


def without_purpose(source: Source) -> Iterator[str]:
    if not source.text.strip():
        return
    opening = (ast.get_docstring(source.tree) or "").split("\n\n", 1)[0]
    if not re.search(r"[.?]\Z", opening.rstrip()):
        yield f"{source.path}: does not open with a sentence on what it is for"


def says_nothing(source: Source) -> Iterator[str]:
    if not NAMES_THAT_SAY_NOTHING.isdisjoint(source.module.split(".")):
        yield f"{source.path}: a name that fits everything; say what it does"


def untold_silence(source: Source) -> Iterator[str]:
    """A linter, type check or count of coverage silenced without a code or without saying why, in words that need no others."""
    for number, line in enumerate(source.text.splitlines(), start=1):
        silenced = re.search(r"#\s*(noqa|type:\s*ignore|pragma)(?P<code>:\s*([A-Z]+\d+|no cover)|\[[a-z, -]+\])?(?P<rest>.*)", line)
        if silenced and not (silenced["code"] and re.search(r"[a-z]{3}", silenced["rest"])):
            yield f"{source.path}:{number}: silences a check without its code and a reason after it"
        if silenced and ELSEWHERE.search(silenced["rest"]):
            yield f"{source.path}:{number}: silences a check for a reason that stands elsewhere"
    for name, call in calls(source.tree):
        if name in {"cast", "typing.cast"} and "#" not in source.text.splitlines()[call.lineno - 1]:
            yield f"{source.path}:{call.lineno}: a cast without a reason beside it"


def test_files_and_functions_are_short() -> None:
    assert not [fault for source in sources("app", "migrations", "tests") for fault in too_long(source)]


def test_a_long_file_and_a_long_function_are_noticed() -> None:
    assert list(too_long(planted("x = 1\n" * 400)))
    assert not list(too_long(planted("x = 1\n" * 399)))
    body = "    x = 1\n"
    assert list(too_long(planted("def long() -> None:\n" + body * 49)))
    assert list(too_long(planted('def long() -> None:\n    """Says\n    much."""\n' + body * 47)))
    assert not list(too_long(planted("def long() -> None:\n" + body * 48)))


def test_a_module_opens_with_a_sentence() -> None:
    assert not [fault for source in sources("app", "migrations", "tests") for fault in without_purpose(source)]


def test_a_module_without_a_sentence_is_noticed() -> None:
    assert list(without_purpose(planted("x = 1\n")))
    assert list(without_purpose(planted('"""Things"""\n')))
    assert not list(without_purpose(planted('"""Returns that were sent."""\n')))


def test_names_say_something() -> None:
    assert not [fault for source in sources("app", "migrations", "tests") for fault in says_nothing(source)]
    assert list(says_nothing(planted("", path="app/returns/utils.py")))


def test_silence_is_explained() -> None:
    assert not [fault for source in sources("app", "migrations", "tests") for fault in untold_silence(source)]
    quiet = "# " + "noqa"
    assert list(untold_silence(planted(f"x = 1  {quiet}\n")))
    assert list(untold_silence(planted(f"x = 1  {quiet}: S101\n")))
    assert list(untold_silence(planted(f"x = 1  {quiet}: S101 - as above\n")))
    assert list(untold_silence(planted("x = cast('int', y)\n")))
    assert not list(untold_silence(planted(f"x = 1  {quiet}: S101 (the reader may be gone)\n")))
