"""What one contract says that another does not, noun by noun and line by line."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from app.assignments.domain import LINE_ID_DIGITS, Assignment, AssignmentLine
from app.calendar.contract import Contract
from app.kernel.lines import Line
from app.organisations.domain import Organisation

Key = tuple[str | int, ...]


class LineChange(NamedTuple):
    """A line before and after; one of the two is None where it is added or withdrawn.

    An assignment's line may be changed although it is written the same: what `all` stands for has changed, and is told by its codes.
    """

    key: Key
    before: Line | None
    after: Line | None


@dataclass(frozen=True, slots=True)
class Changes:
    """The lines of one noun that an act adds, changes and withdraws."""

    lines: tuple[LineChange, ...]

    @property
    def added(self) -> list[Key]:
        return [line.key for line in self.lines if line.before is None]

    @property
    def changed(self) -> list[Key]:
        return [line.key for line in self.lines if line.before is not None and line.after is not None]

    @property
    def withdrawn(self) -> list[Key]:
        return [line.key for line in self.lines if line.after is None]


KEYS: Final[Mapping[str, Callable[[Any], Key]]] = {
    "programme": lambda line: (line.code,),
    "commissioners": lambda line: (line.ods_code,),
    "phases": lambda line: (line.number,),
    "sites": lambda line: (line.code,),
    "measures": lambda line: (line.code, line.version),
    "pathways": lambda line: (line.code,),
    "collections": lambda line: (line.code,),
    "requirements": lambda line: (line.measure,),
    "subcontracts": lambda line: (line.reference,),
    "handovers": lambda line: (line.code,),
}
"""The key of a line of each noun, by the name of its section."""


def lines_of(contract: Contract, noun: str) -> Iterable[Line]:
    """The lines of a noun's section."""
    found = getattr(contract, noun)
    return found if isinstance(found, tuple) else (found,)


def differences(before: Contract | None, after: Contract, *, new: Iterable[Organisation] = ()) -> dict[str, Changes]:
    """What changes, by noun: those that do not are left out. `new` are the organisations that the register gets."""
    found = {"organisations": [LineChange((line.ods_code,), None, line) for line in new]}
    for noun, key_of in KEYS.items():
        old: dict[Key, Line] = {} if before is None else {key_of(line): line for line in lines_of(before, noun)}
        new_lines = {key_of(line): line for line in lines_of(after, noun)}
        found[noun] = [LineChange(key, old.get(key), line) for key, line in new_lines.items() if old.get(key) != line]
        found[noun] += [LineChange(key, line, None) for key, line in old.items() if key not in new_lines]
    found["assignments"] = list(_assignments(before, after))
    return {noun: Changes(tuple(lines)) for noun, lines in found.items() if lines}


def changed_lines(before: Contract | None, after: Contract) -> list[str]:
    """The names of the lines of assignments whose facts are not the same before and after."""
    if before is not None and before.assignments is after.assignments:
        return []
    held = {} if before is None else before.lines
    return [name for name in {**held, **after.lines} if held.get(name) != after.lines.get(name)]


def changed_facts(before: Contract | None, after: Contract) -> tuple[set[Assignment], set[Assignment]]:
    """The facts that end, and those that begin."""
    names = changed_lines(before, after)
    ended = {fact for name in names for fact in (before.lines.get(name, ()) if before is not None else ())}
    begun = {fact for name in names for fact in after.lines.get(name, ())}
    return ended - begun, begun - ended


def _assignments(before: Contract | None, after: Contract) -> Iterator[LineChange]:
    """A line that another takes the place of, for the same places and from the same month, is changed."""
    names = changed_lines(before, after)
    ended = {_natural(line): (name, line) for name, line in _written(before, names)}
    for name, line in _written(after, names):
        earlier, old = ended.pop(_natural(line), (name, None))
        if old == line and before is not None:
            # What `all` stands for is told, for nothing else differs.
            yield LineChange(_key(earlier, line), _spelt(old, before.lines[earlier]), _spelt(line, after.lines[name]))
        else:
            yield LineChange(_key(earlier, line), old, line)
    yield from (LineChange(_key(name, line), line, None) for name, line in ended.values())


def _written(contract: Contract | None, names: Iterable[str]) -> list[tuple[str, AssignmentLine]]:
    return [] if contract is None else [(name, contract.line(name)) for name in names if name in contract.lines]


def _natural(line: AssignmentLine) -> tuple[object, ...]:
    return (line.subcontract, line.pathway, line.segment, line.sites, line.commissioners, line.from_month)


def _spelt(line: AssignmentLine, facts: Iterable[Assignment]) -> AssignmentLine:
    """A line with the sites and commissioners that it stands for, by their codes."""
    sites, commissioners = {fact.site for fact in facts}, {fact.commissioner for fact in facts}
    return line.model_copy(update={"sites": tuple(sorted(sites)), "commissioners": tuple(sorted(commissioners))})


def _key(name: str, line: AssignmentLine) -> Key:
    return (line.subcontract, line.pathway, line.segment, name[:LINE_ID_DIGITS])
