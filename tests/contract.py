"""The published contract and schemas: `python -m tests.contract` compares openapi/ with what is served, `--write` brings it up to date.

What would break a client that was written against openapi/ is named, and written with `--breaking` only.
"""

import json
import sys
from pathlib import Path
from typing import Any

from app.main import create_app
from app.publications.json_schemas import SCHEMAS
from app.settings import Settings
from tests.contract_changes import breaking

PUBLISHED = Path(__file__).resolve().parents[1] / "openapi"


def served() -> dict[str, Any]:
    """The contract as the application serves it; no database is needed for that."""
    return create_app(Settings()).openapi()


def text_of(contract: dict[str, Any]) -> str:
    return json.dumps(contract, indent=1, ensure_ascii=False) + "\n"


def published() -> dict[Path, str]:
    """Every file of openapi/ as it must be."""
    schemas = {PUBLISHED / "schemas" / name: text_of(made()) for name, made in sorted(SCHEMAS.items())}
    return {PUBLISHED / "openapi.json": text_of(served()), **schemas}


def _broken() -> list[str]:
    """What the contract as it is published promises and what is served does not keep."""
    path = PUBLISHED / "openapi.json"
    return breaking(json.loads(path.read_text(encoding="utf-8")), served()) if path.exists() else []


def main(arguments: list[str]) -> int:
    stale = {path: text for path, text in published().items() if not path.exists() or path.read_text(encoding="utf-8") != text}
    named = ", ".join(str(path.relative_to(PUBLISHED.parent)) for path in stale)
    broken = _broken()
    if broken and arguments != ["--breaking"]:
        said = "\n  ".join(["This breaks clients that were written against openapi/openapi.json:", *broken])
        print(f"{said}\nTake it back, or let it be a further address or member; `--breaking` writes it all the same.")
        return 1
    if arguments in (["--write"], ["--breaking"]):
        for path, text in stale.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        print(f"wrote {named or 'nothing: all is as it is served'}")
        return 0
    if not stale:
        print("openapi/ is what is served.")
        return 0
    print(f"Not what is served: {named}. `make openapi` writes it anew; look at the difference before you commit it.")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
