"""The method of settlement as a page: `python -m tests.settlement.method_page` compares app/settlement/METHOD.md with the method, `--write` writes it."""

import sys
from pathlib import Path

from app.reports.method_note import examples_sha256
from app.settlement.method import VERSIONS, markdown, sections

PAGE = Path(__file__).resolve().parents[2] / "app/settlement/METHOD.md"


def faults() -> list[str]:
    """What does not agree: the page with the method, and the method with its version."""
    found = []
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != markdown():
        found.append("METHOD.md is not what the method says: `python -m tests.settlement.method_page --write` writes it anew.")
    answered, version = examples_sha256(sections()), VERSIONS[-1]
    if answered != version.examples_sha256:
        found.append(
            f"The examples come to something else than in version {version.number}: a method that settles otherwise is another version."
            f" Raise METHOD_VERSION and add to VERSIONS what changed, with the digest {answered}; where only examples were added to a"
            " version that nothing was settled by yet, its own digest becomes that one."
        )
    return found


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        PAGE.write_text(markdown(), encoding="utf-8")
        print(f"wrote {PAGE.name}")
    found = faults()
    print("\n".join(found) or f"{PAGE.name} is what the method says.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
