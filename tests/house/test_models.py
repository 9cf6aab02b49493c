"""Shapes on the wire: what comes in forbids the unknown, what goes out states every field (rule 6)."""

import importlib
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict
from pydantic_settings import BaseSettings

from app.kernel.lines import Line
from tests.house.tree import sources


def models() -> set[type[BaseModel]]:
    """Every model that the application declares."""
    for source in sources("app"):
        importlib.import_module(source.module)
    found: set[type[BaseModel]] = set()
    kinds = [BaseModel]
    while kinds:
        for kind in kinds.pop().__subclasses__():
            kinds.append(kind)
            if kind.__module__.startswith("app.") and not issubclass(kind, BaseSettings):
                found.add(kind)
    return found


def loose(model: type[BaseModel]) -> Iterator[str]:
    """A shape that forbids the unknown comes in; any other goes out, and then nothing is left to a default."""
    name = f"{model.__module__}.{model.__name__}"
    config = model.model_config
    if issubclass(model, Line):
        for setting, wanted in (("frozen", True), ("strict", True), ("extra", "forbid")):
            if config.get(setting) != wanted:
                yield f"{name}: a line of the contract has {setting}={wanted}"
    elif config.get("extra") == "forbid":
        if name.endswith("View"):
            yield f"{name}: a view goes out and says so by having no defaults, not by forbidding"
    else:
        for field, about in model.model_fields.items():
            if not about.is_required():
                yield f"{name}.{field}: an answer states every field, without a default (or the shape comes in: extra='forbid')"


def test_every_shape_is_strict_where_it_comes_in_and_complete_where_it_goes_out() -> None:
    assert not [fault for model in sorted(models(), key=lambda model: f"{model.__module__}.{model.__name__}") for fault in loose(model)]


def test_loose_shapes_are_noticed() -> None:
    class LooseLine(Line):
        model_config = ConfigDict(extra="ignore")

    class Answer(BaseModel):
        month: str | None = None

    class Body(BaseModel):
        model_config = ConfigDict(extra="forbid")
        note: str = ""

    assert list(loose(LooseLine))
    assert list(loose(Answer))
    assert not list(loose(Body))
