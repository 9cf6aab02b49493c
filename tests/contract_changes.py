"""What changed between two versions of the published contract that a client written against the first could notice."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Contract = Mapping[str, Any]
Schema = Mapping[str, Any]

_METHODS: Final = ("get", "put", "post", "patch", "delete")
_NARROWING: Final = ("pattern", "maxLength", "maximum", "maxItems", "minLength", "minimum", "minItems", "const", "format")


def breaking(before: Contract, after: Contract) -> list[str]:
    """Everything that a client of the first version may not find in the second as it was; what is only added is no such thing."""
    found = []
    for path, item in before["paths"].items():
        for method in _METHODS:
            if method not in item:
                continue
            name, other = f"{method.upper()} {path}", after["paths"].get(path, {}).get(method)
            if other is None:
                found.append(f"{name} is gone")
            else:
                found += [f"{name}: {what}" for what in _of_operation(before, item[method], after, other)]
    return sorted(set(found))


def _of_operation(before: Contract, one: Schema, after: Contract, other: Schema) -> Iterator[str]:
    if one["operationId"] != other["operationId"]:
        yield f"its id {one['operationId']} is another"
    yield from _of_parameters(_Compared(before, after, sent=True), one, other)
    bodies = [each.get("requestBody", {}) for each in (one, other)]
    yield from _of_contents(_Compared(before, after, sent=True), "the body", *(body.get("content", {}) for body in bodies))
    if bodies[1].get("required") and not bodies[0].get("required"):
        yield "a body must be sent"
    for status, answer in one["responses"].items():
        if not status.startswith("2"):
            continue
        if status not in other["responses"]:
            yield f"it answers {status} no longer"
            continue
        contents = (answer.get("content", {}), other["responses"][status].get("content", {}))
        yield from _of_contents(_Compared(before, after, sent=False), f"the answer {status}", *contents)
        for header in answer.get("headers", {}).keys() - other["responses"][status].get("headers", {}).keys():
            yield f"the answer {status} has no header {header}"


def _of_parameters(compared: "_Compared", one: Schema, other: Schema) -> Iterator[str]:
    held, now = ({(each["in"], each["name"]): each for each in operation.get("parameters", [])} for operation in (one, other))
    for (place, name), parameter in held.items():
        if (place, name) not in now:
            yield f"the {place} parameter {name} is gone"
            continue
        yield from compared.schemas(f"the {place} parameter {name}", parameter["schema"], now[place, name]["schema"])
    for (place, name), parameter in now.items():
        if parameter.get("required") and not held.get((place, name), {}).get("required"):
            yield f"the {place} parameter {name} must be sent"


def _of_contents(compared: "_Compared", where: str, held: Schema, now: Schema) -> Iterator[str]:
    for kind, content in held.items():
        if kind not in now:
            yield f"{where} is {kind} no longer"
        elif "schema" in content and "schema" in now[kind]:
            yield from compared.schemas(where, content["schema"], now[kind]["schema"])


class _Compared:
    """Schemas of the two versions side by side, of what is sent in or of what is answered."""

    def __init__(self, before: Contract, after: Contract, *, sent: bool) -> None:
        self._contracts = (before, after)
        self._sent = sent
        self._seen: set[tuple[str, str]] = set()

    def schemas(self, where: str, one: Schema, other: Schema) -> Iterator[str]:
        pair = (one.get("$ref", ""), other.get("$ref", ""))
        if all(pair):
            if pair in self._seen:
                return
            self._seen.add(pair)
        held, now = (self._resolved(contract, each) for contract, each in zip(self._contracts, (one, other), strict=True))
        yield from self._kinds(where, held, now)
        yield from self._members(where, held, now)
        if "items" in held and "items" in now:
            yield from self.schemas(f"{where}, each item", held["items"], now["items"])

    @staticmethod
    def _resolved(contract: Contract, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = contract["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def _kinds(self, where: str, held: Schema, now: Schema) -> Iterator[str]:
        for choice in ("anyOf", "oneOf"):
            if choice in held and choice in now:
                kinds = [
                    {str(self._kind(contract, part)) for part in each[choice]}
                    for contract, each in zip(self._contracts, (held, now), strict=True)
                ]
                for kind in sorted(kinds[0] - kinds[1]):
                    yield f"{where} may no longer be {kind}"
                for part, same in zip(held[choice], now[choice], strict=False):
                    yield from self.schemas(where, part, same)
        if held.get("type") != now.get("type") and "type" in held:
            yield f"{where} is no longer of the type {held['type']}"
        if "enum" in now:
            gone = [value for value in held.get("enum", ["anything"]) if value not in now["enum"]]
            yield from (f"{where} may no longer be {value}" for value in gone if "enum" in held or self._sent)
        if self._sent:
            yield from (f"{where} is narrowed by {name}" for name in _NARROWING if name in now and now[name] != held.get(name))

    def _kind(self, contract: Contract, schema: Schema) -> Any:
        resolved = self._resolved(contract, schema)
        return resolved.get("type", resolved.get("const"))

    def _members(self, where: str, held: Schema, now: Schema) -> Iterator[str]:
        before, after = held.get("properties", {}), now.get("properties", {})
        yield from (f"{where} has no member {name}" for name in before if name not in after)
        if self._sent:
            yield from (f"{where} must have the member {name}" for name in now.get("required", []) if name not in held.get("required", []))
        elif before:
            yield from (
                f"{where} need not have the member {name}" for name in held.get("required", []) if name not in now.get("required", [])
            )
        for name in before:
            if name in after:
                yield from self.schemas(f"{where}, {name}", before[name], after[name])
