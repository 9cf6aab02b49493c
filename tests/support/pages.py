"""Pages that are generated and committed: compared with what they are generated from, and written anew with `--write`."""

import sys
from collections.abc import Callable
from pathlib import Path

from app.reports.method_note import Version


def out_of_date(page: Path, text: str, module: str) -> list[str]:
    """A sentence where a page does not say what it would be written with."""
    if page.exists() and page.read_text(encoding="utf-8") == text:
        return []
    return [f"{page.name} is not what it is generated from: `python -m {module} --write` writes it anew."]


def answers_otherwise(examples_sha256: str, version: Version) -> list[str]:
    """A sentence where a method's examples come to something else than its version says."""
    if examples_sha256 == version.examples_sha256:
        return []
    fault = (
        f"The examples come to something else than in version {version.number}: a method that answers otherwise is another version."
        f" Raise METHOD_VERSION and add to VERSIONS what changed, with the digest {examples_sha256}; where only examples were added to a"
        " version that nobody has used yet, its own digest becomes that one."
    )
    return [fault]


def compare_or_write(page: Path, text: str, faults: Callable[[], list[str]]) -> int:
    """What a page's command does: an exit code, and a sentence for each fault."""
    if sys.argv[1:] == ["--write"]:
        page.write_text(text, encoding="utf-8")
        print(f"wrote {page.name}")
    found = faults()
    print("\n".join(found) or f"{page.name} is up to date.")
    return 1 if found else 0
