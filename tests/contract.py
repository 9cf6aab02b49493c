"""The published contract: `python -m tests.contract` compares openapi/openapi.json with what is served, `--write` brings it up to date."""

import json
import sys
from pathlib import Path
from typing import Any

from app.main import create_app
from app.settings import Settings

PUBLISHED = Path(__file__).resolve().parents[1] / "openapi/openapi.json"


def served() -> dict[str, Any]:
    """The contract as the application serves it; no database is needed for that."""
    return create_app(Settings()).openapi()


def text_of(contract: dict[str, Any]) -> str:
    return json.dumps(contract, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    text = text_of(served())
    if arguments == ["--write"]:
        PUBLISHED.parent.mkdir(exist_ok=True)
        PUBLISHED.write_text(text, encoding="utf-8")
        print(f"wrote openapi/{PUBLISHED.name}")
        return 0
    if PUBLISHED.exists() and PUBLISHED.read_text(encoding="utf-8") == text:
        print("openapi/openapi.json is what is served.")
        return 0
    print("openapi/openapi.json is not what is served: `make openapi` writes it anew; look at the difference before you commit it.")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
