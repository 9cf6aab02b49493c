"""What one person may not change of measures by itself, where a programme has it that two do."""

from collections.abc import Iterator, Sequence

from app.kernel.refusals import Fault
from app.measures.domain import Measure

VersionKey = tuple[str, int]


def by_two_people(before: Sequence[Measure], after: Sequence[Measure]) -> dict[VersionKey, str]:
    """The versions that are added, changed or withdrawn of measures that are there already, each with its place in the document.

    A measure that is new is set up with everything else that names it: nothing was counted by it.
    """
    held = {(measure.code, measure.version): measure for measure in before}
    stated = {(measure.code, measure.version): (measure, number) for number, measure in enumerate(after)}
    known = {code for code, _ in held}
    changed = {key: f"/measures/{at}" for key, (measure, at) in stated.items() if key[0] in known and held.get(key) != measure}
    return changed | {key: "/measures" for key in held if key not in stated}


def changed_alone(versions: dict[VersionKey, str], programme: str) -> Iterator[Fault]:
    for (code, version), place in versions.items():
        address = f"/v1/programmes/{programme}/measures/{code}/versions/{version}/proposal"
        detail = f"Version {version} of {code} is changed by two people: this programme's measures need approval."
        fix = f"Propose it with POST {address}; another person approves it. Then what is sent here changes nothing of it."
        yield Fault("approval_needed", detail, fix, pointer=place)


def taken_back(*, before: bool, after: bool) -> Iterator[Fault]:
    """That measures no longer need approval: whoever could say so alone could do all the rest alone."""
    if before and not after:
        fix = "Leave it true: what needs approval goes on needing it."
        yield Fault("stays_on", "This programme's measures need approval.", fix, pointer="/programme/measures_need_approval")
