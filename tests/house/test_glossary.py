"""One word has one meaning everywhere: what tables and values are named with stands in app/GLOSSARY.md (rule 10)."""

import importlib
import re
from types import ModuleType

from app.db.rows import metadata
from tests.house.tree import ROOT, sources

GLOSSARY = (ROOT / "app/GLOSSARY.md").read_text(encoding="utf-8")
# Words of grammar and of Python that need no entry.
PLAIN = {"a", "and", "bad", "by", "file", "for", "future", "in", "is", "new", "no", "not", "of", "set", "to", "too", "type", "with", "yaml"}


def entries(text: str) -> dict[str, str]:
    """The word that each line of the glossary is about, and what it says of it."""
    return dict(re.findall(r"^- \*\*([^*]+)\*\*: (.+)$", text, re.MULTILINE))


def words_of(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def forms(word: str) -> set[str]:
    """A word and what it may be the plural or the doing of."""
    return {word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word), re.sub("ing$", "e", word)}


KNOWN = {word for entry in entries(GLOSSARY) for word in words_of(entry.replace("-", " "))} | PLAIN


def unknown(name: str) -> set[str]:
    return {word for word in words_of(name) if forms(word).isdisjoint(KNOWN)}


def nouns(module: ModuleType) -> set[str]:
    """The public classes that a module says the nouns with; refusals are sentences."""
    own = {name: value for name, value in vars(module).items() if isinstance(value, type) and value.__module__ == module.__name__}
    return {name for name, value in own.items() if not name.startswith("_") and not issubclass(value, Exception)}


def test_every_table_is_named_with_the_words_of_the_glossary() -> None:
    for source in sources("app"):
        if source.path.endswith("/store.py") or source.path.startswith("app/db/"):
            importlib.import_module(source.module)
    assert {name: unknown(name) for name in metadata.tables if unknown(name)} == {}


def test_every_noun_is_named_with_the_words_of_the_glossary() -> None:
    """In the files that say what the nouns are: the kernel's, and each room's domain.py."""
    files = [source for source in sources("app") if source.path.startswith("app/kernel/") or source.path.endswith("/domain.py")]
    found = {f"{source.module}.{name}": unknown(name) for source in files for name in nouns(importlib.import_module(source.module))}
    assert {name: words for name, words in found.items() if words} == {}


def test_the_glossary_is_in_order_and_says_each_word_once() -> None:
    words = [word for word, _ in re.findall(r"^- \*\*([^*]+)\*\*(: )", GLOSSARY, re.MULTILINE)]
    assert words
    assert words == sorted(set(words), key=str.lower)
    assert not [line for line in GLOSSARY.splitlines() if line.startswith("- ") and not re.match(r"- \*\*[^*]+\*\*: \S", line)]


def test_a_strange_word_is_noticed() -> None:
    assert unknown("BlobShipmentWidget") == {"blob", "shipment", "widget"}
    module = ModuleType("planted")
    vars(module).update(Widget=type("Widget", (), {"__module__": "planted"}), Gone=type("Gone", (Exception,), {"__module__": "planted"}))
    assert nouns(module) == {"Widget"}
