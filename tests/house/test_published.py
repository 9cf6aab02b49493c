"""The published contract is what is served, and says of each operation what callers need (rules 15 and 16)."""

import copy
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract import served
from tests.contract_changes import breaking
from tests.house.tree import ROOT

METHODS = {"get", "put", "post", "patch", "delete"}
OPEN_ADDRESSES = {
    "/livez",
    "/readyz",
    "/docs",
    "/openapi.json",
    "/oauth/token",
    "/.well-known/mainstem-signing-keys.json",
    "/v1/schemas/",
    "/v1/schemas/{schema}",
}


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return served()


def operations(contract: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def unsaid(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    """What an operation does not say of itself."""
    name = f"{method.upper()} {path}"
    if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", operation.get("operationId", "")):
        yield f"{name}: has no operationId in words"
    if not re.search(r"\w\.\s*(\Z|\n)", operation.get("description", "")):
        yield f"{name}: has no sentence on what it does"
    if path not in OPEN_ADDRESSES and not operation.get("security"):
        yield f"{name}: has no lock"
    answers = operation.get("responses", {})
    if path not in OPEN_ADDRESSES and not {"401", "403"} <= answers.keys():
        yield f"{name}: does not say how it refuses a stranger"
    if "{" in path and "404" not in answers:
        yield f"{name}: does not say how it answers for what is not there"
    for status, answer in answers.items():
        if status.startswith(("4", "5")) and list(answer.get("content", {})) != ["application/problem+json"]:
            yield f"{name}: {status} is no problem+json"
    yield from without_example(name, operation)


def without_example(name: str, operation: dict[str, Any]) -> Iterator[str]:
    bodies = {"asks for": operation.get("requestBody", {})}
    bodies |= {f"answers {status} with": answer for status, answer in operation.get("responses", {}).items() if status.startswith("2")}
    for what, body in bodies.items():
        for kind, media in body.get("content", {}).items():
            if kind == "application/json" and not {"example", "examples"} & media.keys():
                yield f"{name}: {what} {kind} of which there is no example"


def test_the_published_contract_is_what_is_served() -> None:
    """Asked of a process of its own: a contract that depended on what else was imported would not be one."""
    compared = subprocess.run([sys.executable, "-m", "tests.contract"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert compared.returncode == 0, compared.stdout + compared.stderr


def test_every_operation_says_what_callers_need(contract: dict[str, Any]) -> None:
    assert contract["openapi"].startswith("3.1")
    assert len(list(operations(contract))) > 5
    assert not [fault for path, method, operation in operations(contract) for fault in unsaid(path, method, operation)]


def test_each_operation_has_an_id_of_its_own(contract: dict[str, Any]) -> None:
    ids = Counter(operation.get("operationId") for _, _, operation in operations(contract))
    assert [name for name, count in ids.items() if count > 1] == []


def test_path_parameters_are_named_for_their_resource(contract: dict[str, Any]) -> None:
    named = {name for path, _, _ in operations(contract) for name in re.findall(r"{(\w+)}", path)}
    assert not named & {"id", "key", "code", "name", "ref", "number"}


def test_what_a_dry_run_answers_is_described(contract: dict[str, Any]) -> None:
    of_one_shape = {"put_calendar_day", "delete_calendar_day", "submit_return"}
    told = {
        operation["operationId"]: "Difference" in str(operation["responses"]["200"]["content"]["application/json"]["schema"])
        for _, _, operation in operations(contract)
        if any(parameter["name"] == "dry_run" for parameter in operation.get("parameters", []))
    }
    assert {name for name, is_described in told.items() if not is_described} == of_one_shape


def test_an_operation_that_says_too_little_is_noticed() -> None:
    faults = list(
        unsaid("/v1/things/{thing}", "get", {"responses": {"200": {"content": {"application/json": {}}}, "404": {"content": {}}}})
    )
    for expected in ("operationId", "sentence", "lock", "stranger", "problem+json", "example"):
        assert any(expected in fault for fault in faults), expected


def _removed(contract: dict[str, Any]) -> None:
    del contract["paths"]["/v1/programmes/{programme}/gaps"]["get"]


def _renamed(contract: dict[str, Any]) -> None:
    contract["paths"]["/v1/me"]["get"]["operationId"] = "who_am_i"


def _member_removed(contract: dict[str, Any]) -> None:
    del contract["components"]["schemas"]["CallerView"]["properties"]["role"]


def _member_optional(contract: dict[str, Any]) -> None:
    contract["components"]["schemas"]["CallerView"]["required"].remove("role")


def _enum_narrowed(contract: dict[str, Any]) -> None:
    contract["components"]["schemas"]["Role"]["enum"].remove("finance")


def _input_required(contract: dict[str, Any]) -> None:
    body = contract["components"]["schemas"]["NewClientBody"]
    body["properties"]["address"] = {"type": "string"}
    body["required"].append("address")


def _parameter_required(contract: dict[str, Any]) -> None:
    parameter = {"name": "reason", "in": "query", "required": True, "schema": {"type": "string"}}
    contract["paths"]["/v1/programmes/{programme}/gaps"]["get"]["parameters"].append(parameter)


def _parameter_removed(contract: dict[str, Any]) -> None:
    operation = contract["paths"]["/v1/programmes/{programme}/returns"]["get"]
    operation["parameters"] = [each for each in operation["parameters"] if each["name"] != "overdue"]


def _answer_removed(contract: dict[str, Any]) -> None:
    del contract["paths"]["/v1/clients"]["post"]["responses"]["201"]


def _type_changed(contract: dict[str, Any]) -> None:
    contract["components"]["schemas"]["CallerView"]["properties"]["client"] = {"type": "integer"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_removed, "is gone"),
        (_renamed, "its id read_caller"),
        (_member_removed, "no member role"),
        (_member_optional, "need not have the member role"),
        (_enum_narrowed, "may no longer be finance"),
        (_input_required, "must have the member address"),
        (_parameter_required, "reason must be sent"),
        (_parameter_removed, "overdue is gone"),
        (_answer_removed, "answers 201 no longer"),
        (_type_changed, "no longer of the type string"),
    ],
)
def test_a_change_that_breaks_clients_is_noticed(contract: dict[str, Any], change: Callable[[dict[str, Any]], None], words: str) -> None:
    changed = copy.deepcopy(contract)
    change(changed)
    found = breaking(contract, changed)
    assert any(words in each for each in found), found


def test_what_is_only_added_breaks_nobody(contract: dict[str, Any]) -> None:
    changed = copy.deepcopy(contract)
    changed["paths"]["/v1/more"] = {"get": copy.deepcopy(changed["paths"]["/v1/me"]["get"])}
    view = changed["components"]["schemas"]["CallerView"]
    view["properties"]["since"] = {"type": "string"}
    view["required"].append("since")
    changed["components"]["schemas"]["NewClientBody"]["properties"]["address"] = {"type": "string"}
    assert breaking(contract, changed) == []
