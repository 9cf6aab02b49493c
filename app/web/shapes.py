"""A parsed value against a pydantic model: the model, or every fault with its JSON pointer, never with the value."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from app.kernel.lines import FROM_OUTSIDE
from app.kernel.refusals import Fault, Invalid
from app.web.intake import capped, pointer

M = TypeVar("M", bound=BaseModel)
Path = tuple[str | int, ...]

MISSHAPEN: Final = "The body does not have the shape it must have; see errors."

_FIX: Final = "See the operation's schema in the reference pages."
# What pydantic's types of error mean, in words that cannot repeat what was sent; `{}` takes the limit from the schema.
_WORDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "missing": ("missing", "A member that must be there is absent.", "Add it."),
    "extra_forbidden": ("unknown_member", "There is no member of this name here.", "Leave it out, or correct its name."),
    "unexpected_keyword_argument": ("unknown_member", "There is no member of this name here.", "Leave it out, or correct its name."),
    "string_too_short": ("too_short", "This text is too short (at least {min_length}).", "Write more."),
    "string_too_long": ("too_long", "This text is too long (at most {max_length}).", "Write less."),
    "too_short": ("too_short", "This list is too short (at least {min_length}).", "Add what is missing."),
    "too_long": ("too_long", "This list is too long (at most {max_length}).", "Send it in parts."),
    "string_pattern_mismatch": ("pattern", "This text does not have the shape it must have: {pattern}", "Write it in that shape."),
    "greater_than": ("out_of_range", "This number must be above {gt}.", "Correct it."),
    "greater_than_equal": ("out_of_range", "This number must be at least {ge}.", "Correct it."),
    "less_than": ("out_of_range", "This number must be below {lt}.", "Correct it."),
    "less_than_equal": ("out_of_range", "This number must be at most {le}.", "Correct it."),
    "enum": ("not_one_of", "This must be one of {expected}.", "Use one of these words."),
    "literal_error": ("not_one_of", "This must be one of {expected}.", "Use one of these words."),
    "union_tag_invalid": ("not_one_of", "The member {discriminator} must be one of {expected_tags}.", "Use one of these words."),
    "union_tag_not_found": ("missing", "The member {discriminator} must be there: it says which kind this is.", "Add it."),
    "patient_identifier": ("patient_identifier", "{detail}", "{fix}"),
    "value_error": ("not_allowed", "{error}", _FIX),
}  # fmt: skip
_TYPES: Final[Mapping[str, str]] = {
    "string": "a text", "int": "a whole number", "decimal": "a number", "float": "a number", "bool": "true or false", "list": "an array",
    "tuple": "an array", "set": "an array", "dict": "an object", "model": "an object", "date": "a day, YYYY-MM-DD", "datetime": "a moment", "none": "null",
}  # fmt: skip
_BUILT_IN: Final = frozenset(get_args(ErrorType))
_SUFFIXES: Final = ("_type", "_parsing", "_from_float", "_attributes_type", "_strict", "_required")


def read_as(model: type[M], value: Any) -> M:
    """The model that a parsed value states; Invalid with every fault at once."""
    try:
        return model.model_validate(value, context=FROM_OUTSIDE)
    except ValidationError as error:
        raise Invalid(MISSHAPEN, faults=faults_of(error, value)) from None


def read_partly(model: type[M], value: Any, stand_ins: Mapping[str, Any]) -> tuple[M, list[Fault]]:
    """The model of what can be read of a value, and the faults of the rest: so a wrong shape hides nothing that is wrong with the others.

    What cannot be read is left out, or stands as given: of a list, whose stand-in is a list of one, only the items that are wrong. Whoever
    asks refuses the body if there are faults. Invalid where not even that is a model.
    """
    try:
        return model.model_validate(value, context=FROM_OUTSIDE), []
    except ValidationError as error:
        faults = faults_of(error, value)
        places = [each["loc"] for each in error.errors(include_url=False, include_input=False)]
    if not isinstance(value, dict) or () in places:
        raise Invalid(MISSHAPEN, faults=faults)
    right = {name: list(part) if isinstance(part, list) else part for name, part in value.items() if name in model.model_fields}
    for name, *within in places:
        stand_in, part = stand_ins.get(str(name)), right.get(str(name))
        if isinstance(stand_in, list) and isinstance(part, list) and within and isinstance(within[0], int):
            part[within[0]] = stand_in[0]
        else:
            right[str(name)] = stand_in
    try:
        return model.model_validate({name: part for name, part in right.items() if part is not None}, context=FROM_OUTSIDE), faults
    except ValidationError:
        raise Invalid(MISSHAPEN, faults=faults) from None


def faults_of(error: ValidationError, value: Any) -> list[Fault]:
    """Everything that pydantic found wrong with a value, each place once and in the order of the document."""
    return capped(_distinct(error.errors(include_url=False, include_input=False), value))


def _distinct(errors: Iterable[ErrorDetails], value: Any) -> Iterator[Fault]:
    found = [(*_place(error["loc"], value, absent=error["type"] == "missing"), error) for error in errors]
    # Of a choice between shapes only the one that was meant is worth hearing about: "not a text" beside faults inside an object is noise.
    inside = {at[:length] for at, _, _ in found for length in range(len(at))}
    seen: set[tuple[Path, str]] = set()
    mistyped: dict[Path, list[str]] = {}
    meant = set()
    for at, chosen, error in found:
        word = _type_word(error["type"])
        if not word:
            meant.add(at)
        elif chosen:
            mistyped.setdefault(at, []).append(word)
    for at, chosen, error in found:
        word = _type_word(error["type"])
        if chosen and word:
            if at in inside or at in meant or (at, "wrong_type") in seen:
                continue
            seen.add((at, "wrong_type"))
            yield Fault("wrong_type", f"This must be {' or '.join(dict.fromkeys(mistyped[at]))}.", _FIX, pointer=pointer(at))
            continue
        if error["type"] == "too_short" and at in inside:
            # A list of which a part is wrong is not too short: pydantic counts what is right.
            continue
        code, detail, fix = _words(error, word)
        if (at, code) not in seen:
            seen.add((at, code))
            yield Fault(code, detail, fix, pointer=pointer(at))


def _type_word(kind: str) -> str:
    for suffix in _SUFFIXES:
        if kind.endswith(suffix):
            return _TYPES.get(kind.removesuffix(suffix), "")
    return ""


def what_it_must_be(error: ErrorDetails) -> str:
    """What is wrong with a value, in a sentence that does not repeat it."""
    return _words(error, _type_word(error["type"]))[1]


def _words(error: ErrorDetails, type_word: str) -> tuple[str, str, str]:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _WORDS:
        code, detail, fix = _WORDS[kind]
        return code, detail.format_map({**context, "error": str(context.get("error", ""))}), fix.format_map(context)
    if type_word:
        return "wrong_type", f"This must be {type_word}.", _FIX
    if kind in _BUILT_IN:
        return "not_allowed", "This value cannot stand here.", _FIX
    # A rule of ours (PydanticCustomError): its sentence is written in the code and says nothing of the value.
    message = error["msg"]
    return kind, message[:1].upper() + message[1:] + ("" if message.endswith(".") else "."), _FIX


def _place(location: Path, value: Any, *, absent: bool) -> tuple[Path, bool]:
    """Where in the value an error lies, and whether a choice between shapes was tried there.

    pydantic names the branch of a choice as if it were a member: what is not in the value is no part of its pointer.
    """
    at: list[str | int] = []
    chosen = False
    for number, part in enumerate(location):
        last = number == len(location) - 1
        if _holds(value, part):
            value = value[part]
            at.append(part)
            chosen = False
        elif absent and last:
            at.append(part)
        else:
            chosen = True
    return tuple(at), chosen


def _holds(value: Any, part: str | int) -> bool:
    return (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int) and part < len(value))
