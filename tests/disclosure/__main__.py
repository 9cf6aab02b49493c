"""The attacker on many random programmes: `python -m tests.disclosure [programmes] [months] [counts] [wide]`; fails where a hidden count is told too closely.

Without arguments: small programmes of four months, long histories, and programmes of many places.
"""

import sys
from collections import Counter
from random import Random
from time import process_time
from typing import Final

from app.disclosure.rounding import ROUNDED
from tests.disclosure.attacker import CRITERION, Attacker
from tests.disclosure.world import random_world

_USUAL: Final = (("60", "4"), ("12", "14", "400"), ("6", "26", "400"), ("30", "2", "300", "wide"))
_EVERY: Final = 1_000_000


def attack(programmes: int, months: int, limit: int, *, wide: bool) -> float:
    """How far apart the bounds of the hidden count are that is told most closely; of a programme, `limit` counts are attacked."""
    apart: Counter[int] = Counter()
    rows = shown = hidden = 0
    closest, spent = float(_EVERY), 0.0
    for seed in range(programmes):
        kind = ("proportion", "halves", "count")[seed % 3]
        began = process_time()
        world = random_world(Random(seed), months=months, kind=kind, wide=wide)
        spent += process_time() - began
        attacker = Attacker(world, half=kind == "halves")
        found = attacker.closest(limit=limit)
        apart.update(min(int(each[0]), 8) for each in found)
        closest = min([closest, *(each[0] for each in found)])
        rows += sum(len(publication.rows) for publication in world.published)
        shown += sum(row["suppression"] in ROUNDED for publication in world.published for row in publication.shown)
        hidden += len(attacker.hidden)
        if found and found[0][0] < CRITERION:
            print(f"programme {seed} ({kind}): a count of {found[0][1]} is told to be between {found[0][2]} and {found[0][3]}")
    print(
        f"{programmes} {'wide ' * wide}programmes of {months} months: {rows} rows published, {shown} shown whole, {hidden} small counts hidden."
    )
    print(f"  {sum(apart.values())} attacked; so far apart are their bounds (8 and more as 8): {dict(sorted(apart.items()))}.")
    print(f"  The closest: {closest}; the aim: {CRITERION}. Disclosed in {spent:.0f} s.", flush=True)
    return closest


def main(arguments: list[str]) -> int:
    closest = float(_EVERY)
    for programmes, months, *more in [arguments] if arguments else _USUAL:
        limit = int(more[0]) if more else _EVERY
        closest = min(closest, attack(int(programmes), int(months), limit, wide="wide" in more))
    return int(closest < CRITERION)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
