"""Tests meet the real thing: nothing is patched, nothing is skipped or slept through without a word (rule 14)."""

import ast
from collections.abc import Iterator

from tests.house.tree import Source, calls, imported, planted, sources

PATCHING = ("unittest.mock", "mock.", "pytest_mock", "freezegun", "time_machine", "respx", "responses", "requests_mock")
PATCHES = ("monkeypatch.setattr", "monkeypatch.setitem", "monkeypatch.delattr", "mocker.patch", "patch.object")


def patches(source: Source) -> Iterator[str]:
    for name, line in imported(source.tree):
        if f"{name}.".startswith(PATCHING):
            yield f"{source.path}:{line}: imports {name}; use the real thing or a tested fake"
    for name, call in calls(source.tree):
        if name in PATCHES:
            yield f"{source.path}:{call.lineno}: {name} patches; hand the thing in instead"


def skips_without_a_reason(source: Source) -> Iterator[str]:
    for name, call in calls(source.tree):
        if name in {"pytest.skip", "pytest.importorskip"}:
            reason = bool(call.args or call.keywords) and name == "pytest.skip"
        elif name in {"pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}:
            reason = any(keyword.arg == "reason" for keyword in call.keywords)
        else:
            continue
        if not reason:
            yield f"{source.path}:{call.lineno}: {name} without a reason"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Attribute) and decorator.attr in {"skip", "xfail"}:
                    yield f"{source.path}:{decorator.lineno}: {decorator.attr} without a reason"


def sleeps_outside_a_poll(source: Source) -> Iterator[str]:
    polled = {id(node) for loop in ast.walk(source.tree) if isinstance(loop, ast.For | ast.While) for node in ast.walk(loop)}
    for name, call in calls(source.tree):
        if name in {"sleep", "time.sleep", "asyncio.sleep"} and id(call) not in polled:
            yield f"{source.path}:{call.lineno}: sleeps and hopes; poll, with a bound"


def test_nothing_is_patched() -> None:
    assert not [fault for source in sources("tests") for fault in patches(source)]


def test_nothing_is_skipped_without_a_reason() -> None:
    assert not [fault for source in sources("tests") for fault in skips_without_a_reason(source)]


def test_nothing_is_slept_through() -> None:
    assert not [fault for source in sources("tests") for fault in sleeps_outside_a_poll(source)]


def test_each_is_noticed() -> None:
    assert list(patches(planted("from unittest.mock import patch\n")))
    assert list(patches(planted("def test(monkeypatch):\n    monkeypatch.setattr(module, 'name', 1)\n")))
    assert not list(patches(planted("def test(monkeypatch):\n    monkeypatch.setenv('NAME', '1')\n")))
    assert list(skips_without_a_reason(planted("@pytest.mark.skip\ndef test(): ...\n")))
    assert list(skips_without_a_reason(planted("@pytest.mark.skipif(True)\ndef test(): ...\n")))
    assert not list(skips_without_a_reason(planted("@pytest.mark.skipif(True, reason='needs a file system')\ndef test(): ...\n")))
    assert list(sleeps_outside_a_poll(planted("time.sleep(1)\n")))
    assert not list(sleeps_outside_a_poll(planted("for _ in range(50):\n    time.sleep(0.1)\n")))
