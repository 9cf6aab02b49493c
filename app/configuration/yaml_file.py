"""A document written in YAML: read safely, exactly, and with the line and column of every value."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import yaml

from app.kernel.refusals import Fault, Invalid

LARGEST_BYTES: Final = 16 * 1024 * 1024
DEEPEST: Final = 32
MOST_ALIASES: Final = 1000
MOST_VALUES: Final = 500_000
"""After aliases are followed: ten aliases of ten aliases of … would fill any memory."""

_TAG: Final = "tag:yaml.org,2002:"

Place = tuple[int, int]


class BadYaml(Invalid):
    """The file is not YAML that a document can be read from."""

    code = "bad_yaml"
    title = "The file cannot be read as YAML"


class YamlFile:
    """A parsed file: `value` is what it states, numbers exact; `located` tells where a pointer's value stands.

    `faults` are names that stand twice, or are none: of what stands twice `value` has the first, so that all else can be judged too.
    """

    def __init__(self, content: bytes) -> None:
        if len(content) > LARGEST_BYTES:
            raise BadYaml(f"The file is larger than {LARGEST_BYTES} bytes.")
        self._places: dict[str, Place] = {}
        self.faults: list[Fault] = []
        try:
            text = content.decode("utf-8")
            _limits(text)
            node = yaml.compose(text, Loader=yaml.CSafeLoader)
        except UnicodeDecodeError:
            raise BadYaml("The file is not UTF-8.") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where = (
                Fault(
                    "syntax",
                    "The text stops being YAML here.",
                    "Check indentation, colons and quotes.",
                    line=mark.line + 1,
                    column=mark.column + 1,
                )
                if mark
                else None
            )
            raise BadYaml("The file is not YAML; see errors.", faults=[where] if where else []) from None
        except yaml.YAMLError:
            raise BadYaml("The file is not YAML.") from None
        self.value: Any = None if node is None else self._read(node, "")

    def refused(self, faults: Iterable[Fault]) -> BadYaml:
        """The refusal of a file with faults of its own, and with those found by pointer in what it states."""
        detail = "The file says something twice, or what no document can hold; see errors."
        return BadYaml(detail, faults=[*self.faults, *(self.located(fault) for fault in faults)])

    def located(self, fault: Fault) -> Fault:
        """A fault found by pointer, with the line and column of the nearest value above it that is in the file."""
        pointer = fault.pointer or ""
        while pointer and pointer not in self._places:
            pointer = pointer.rpartition("/")[0]
        line, column = self._places.get(pointer, (1, 1))
        return replace(fault, line=line, column=column)

    def _read(self, node: yaml.Node, at: str) -> Any:
        if len(self._places) >= MOST_VALUES:
            raise BadYaml(f"The file states more than {MOST_VALUES} values.")
        if at.count("/") > DEEPEST:
            # An alias may stand in what it names, or lead from one to the next.
            raise BadYaml(f"The file nests more than {DEEPEST} deep, its aliases followed.")
        self._places[at] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._read(part, f"{at}/{number}") for number, part in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return dict(self._members(node, at))
        return self._scalar(node)

    def _members(self, node: yaml.MappingNode, at: str) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key, part in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag == f"{_TAG}merge":
                self.faults.append(Fault("member_name", "A member's name is a plain text.", "Write a name.", line=line, column=column))
            elif key.value in seen:
                self.faults.append(Fault("duplicate_member", "A member of this name stands twice.", "Keep one.", line=line, column=column))
            else:
                seen.add(key.value)
                yield key.value, self._read(part, f"{at}/{key.value.replace('~', '~0').replace('/', '~1')}")

    @staticmethod
    def _scalar(node: yaml.Node) -> Any:
        text: str = node.value
        kind = node.tag.removeprefix(_TAG)
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        # 17:00 and 010 are an hour and a code here, not numbers of base 60 and 8.
        if kind == "int" and text.lstrip("-").isdecimal() and (text.lstrip("-") == "0" or not text.lstrip("-").startswith("0")):
            return int(text)
        if kind == "float" and text.lstrip("-").replace(".", "", 1).isdecimal():
            return Decimal(text)
        return text


def _limits(text: str) -> None:
    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > DEEPEST:
            raise BadYaml(f"The file nests more than {DEEPEST} deep.")
        if aliases > MOST_ALIASES:
            raise BadYaml(f"The file uses more than {MOST_ALIASES} aliases.")
