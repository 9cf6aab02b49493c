"""What a part of `make safety` found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """Of which promise, what was looked at, and what broke it."""

    promise: str
    says: str
    faults: list[str]

    @property
    def verdict(self) -> str:
        return "falls short:" if self.faults else "holds"
