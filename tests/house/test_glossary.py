"""One word has one meaning everywhere: what tables and values are named with stands in app/GLOSSARY.md (rule 10)."""

import ast
import importlib
import re
from collections.abc import Iterator

from app.db.rows import metadata
from tests.house.tree import ROOT, Source, planted, sources

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


def classes_of_the_ground(source: Source) -> Iterator[str]:
    """The public classes of the files that hold values and rules: those of the kernel and of the rooms' ground floors."""
    room, _, file = source.path.removeprefix("app/").partition("/")
    if room in {"db", "web", "access", "client", "dashboard"} or file in {"", "api.py", "schemas.py", "actions.py", "store.py"}:
        return iter(())
    return (node.name for node in source.tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))


def test_every_table_is_named_with_the_words_of_the_glossary() -> None:
    for source in sources("app"):
        if source.path.endswith("/store.py") or source.path.startswith("app/db/"):
            importlib.import_module(source.module)
    assert {name: unknown(name) for name in metadata.tables if unknown(name)} == {}


def test_every_public_class_is_named_with_the_words_of_the_glossary() -> None:
    found = {f"{source.module}.{name}": unknown(name) for source in sources("app") for name in classes_of_the_ground(source)}
    assert {name: words for name, words in found.items() if words} == {}


def test_the_glossary_is_in_order_and_says_each_word_once() -> None:
    words = [word for word, _ in re.findall(r"^- \*\*([^*]+)\*\*(: )", GLOSSARY, re.MULTILINE)]
    assert words
    assert words == sorted(set(words), key=str.lower)
    assert not [line for line in GLOSSARY.splitlines() if line.startswith("- ") and not re.match(r"- \*\*[^*]+\*\*: \S", line)]


def test_a_strange_word_is_noticed() -> None:
    assert unknown("BlobShipmentWidget") == {"blob", "shipment", "widget"}
    assert list(classes_of_the_ground(planted("class Widget: ...\nclass _Own: ...\n", path="app/returns/domain.py"))) == ["Widget"]
