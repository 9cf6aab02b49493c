"""What a trial of a document answers."""

from pydantic import BaseModel, ConfigDict

from app.configuration.actions import Applied
from app.configuration.differences import Key


class NounDifference(BaseModel):
    """The keys of one noun's lines that a document adds, changes and withdraws."""

    model_config = ConfigDict(extra="forbid")

    noun: str
    added: list[list[str | int]]
    changed: list[list[str | int]]
    withdrawn: list[list[str | int]]


class Difference(BaseModel):
    """What bringing a document into force would change; empty where it says what is in force already."""

    model_config = ConfigDict(extra="forbid")

    programme: str
    would_create: bool
    differences: list[NounDifference]


def difference(programme: str, applied: Applied) -> Difference:
    def keys(found: list[Key]) -> list[list[str | int]]:
        return [list(key) for key in found]

    nouns = [
        NounDifference(noun=noun, added=keys(each.added), changed=keys(each.changed), withdrawn=keys(each.withdrawn))
        for noun, each in applied.changes.items()
    ]
    return Difference(programme=programme, would_create=applied.created, differences=nouns)
