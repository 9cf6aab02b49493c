"""The walls that the migrations build: `python -m tests.db.built --write` writes them to migrations/walls.tsv from a freshly migrated database."""

import sys
import tempfile
from pathlib import Path

from app.db.walls import BUILT, built, standing
from app.settings import Settings
from tests.support.databases import server_of


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="mainstem-walls-") as folder:
        settings = Settings(data=Path(folder) / "data", database_url=None, owner_database_url=None)
        with server_of(settings) as server, server.database() as database, database.engine.connect() as connection:
            walls = standing(connection)
    if arguments == ["--write"]:
        lines = sorted("\t".join((*part, *of)) for part, of in walls.items())
        BUILT.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    elif walls != built():
        print(f"{BUILT.name} is not what the migrations build: run python -m tests.db.built --write", file=sys.stderr)
        return 1
    print(f"{BUILT.name} is what the migrations build.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
