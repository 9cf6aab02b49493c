"""The attacker on many random programmes (`python -m tests.disclosure [programmes] [months] [counts]`); ends badly where a hidden count is told too closely."""

import sys
from collections import Counter
from random import Random
from time import process_time

from tests.disclosure.attacker import CRITERION, Attacker
from tests.disclosure.world import random_world


def main(arguments: list[str]) -> int:
    worlds, months, limit = (int(text) for text in [*arguments, *("60", "4", "1000000")[len(arguments) :]])
    apart: Counter[int] = Counter()
    rows = shown = 0
    closest, spent = 1_000_000.0, 0.0
    for seed in range(worlds):
        kind = ("proportion", "halves", "count")[seed % 3]
        began = process_time()
        world = random_world(Random(seed), months=months, kind=kind)
        spent += process_time() - began
        found = Attacker(world, half=kind == "halves").closest(limit=limit)
        apart.update(min(int(each[0]), 8) for each in found)
        closest = min([closest, *(each[0] for each in found)])
        rows += sum(len(publication.rows) for publication in world.published)
        shown += sum(
            row["suppression"] in {"rounded_5", "rounded_5_months"} for publication in world.published for row in publication.shown
        )
        if found and found[0][0] < CRITERION:
            print(f"programme {seed} ({kind}): a count of {found[0][1]} is told to be between {found[0][2]} and {found[0][3]}")
    print(f"{worlds} programmes of {months} months, {rows} rows published, {shown} shown whole, {sum(apart.values())} small counts hidden.")
    print(f"How far apart the bounds of a hidden count are (8 and more as 8): {dict(sorted(apart.items()))}. Disclosed in {spent:.0f} s.")
    print(f"The closest: {closest}; the aim: {CRITERION}.")
    return int(closest < CRITERION)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
