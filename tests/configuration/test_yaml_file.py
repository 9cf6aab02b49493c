"""YAML is read safely, exactly, and with its places."""

from decimal import Decimal

import pytest

from app.configuration.yaml_file import BadYaml, YamlFile
from app.kernel.refusals import Fault


def read(text: str) -> object:
    return YamlFile(text.encode()).value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-07-01", "2026-07-01"),
        ("2026-07", "2026-07"),
        ("17:00", "17:00"),
        ("010", "010"),
        ("05W", "05W"),
        ("no", "no"),
        ("true", True),
        ("~", None),
        ("0.85", Decimal("0.85")),
        ("68700000000", 68_700_000_000),
        ('"41.5"', "41.5"),
        ("1e3", "1e3"),
        (".nan", ".nan"),
    ],
)
def test_scalars_mean_what_a_contract_manager_means(text: str, value: object) -> None:
    assert read(f"x: {text}") == {"x": value}


def test_a_fault_is_placed_at_its_line_and_column() -> None:
    file = YamlFile(b"sites:\n  - {code: lung}\n  - code: prostate\n    parent: nowhere\n")
    fault = file.located(Fault("unknown_parent", "d", "f", pointer="/sites/1/parent"))
    assert (fault.line, fault.column) == (4, 13)
    missing = file.located(Fault("missing", "d", "f", pointer="/sites/0/name"))
    assert (missing.line, missing.column) == (2, 5)


BAD = {
    "syntax": "a: [1, 2",
    "itself": "a: &a {b: *a}",
    "chained": "\n".join(f"x{n}: &x{n} {'[' * 20}{f'*x{n - 1}' if n else ''}{']' * 20}" for n in range(60)),
    "depth": "[" * 40 + "]" * 40,
    "aliases": "a: &x [1]\nb: [" + ", ".join(["*x"] * 1001) + "]",
    "laughs": "\n".join([f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10) if n else 1}]" for n in range(9)]),
    "python": "a: !!python/object/apply:os.system [x]\nb: [",
    "encoding": "a: \udcff",
}


def test_what_stands_twice_hides_nothing_else() -> None:
    file = YamlFile(b"a: 1\na: 2\nb: &x {c: 1}\nd:\n  <<: *x\n")
    assert [(fault.code, fault.line) for fault in file.faults] == [("duplicate_member", 2), ("member_name", 5)]
    assert file.value == {"a": 1, "b": {"c": 1}, "d": {}}
    missing = file.refused([Fault("missing", "d", "f", pointer="/b/e")])
    assert [(fault.code, fault.line) for fault in missing.faults] == [("duplicate_member", 2), ("member_name", 5), ("missing", 3)]


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_safe_yaml_is_refused(text: str) -> None:
    with pytest.raises(BadYaml):
        YamlFile(text.encode("utf-8", "surrogateescape"))
