"""The method of settlement: every formula by which a contract year is settled, with its source and worked examples, under the method's version.

It is generated: `METHOD.md` is compared with it, and `/docs/settlement` shows it. Words may be put better at any time; what the examples come to is held
by the digest of the version, so that a method that answers otherwise has to be a version of its own.
"""

from functools import cache
from typing import Final

from app.reports.method_note import Section, Table, Version, as_html, as_markdown
from app.settlement.domain import METHOD_VERSION
from app.settlement.method_example import example
from app.settlement.method_parts import parts

TITLE: Final = "The method of settlement"
VERSIONS: Final = (
    Version("1", "A contract year is settled by scores, quality, gains and losses, and shared out to the penny.", None),
    Version(
        "2",
        "Where no measure carries weight quality is 0, so that what is at risk is paid for nothing that cannot be shown.",
        "2de380621d5d47194a4ace6e00df1668c0b23b2c6954ec3511f7d601cfa68c31",
    ),
    Version(
        "3",
        "Of a measure that cannot be collected as routine no gate is asked and no consequence follows, as it carries no weight.",
        "4d46c65fc1c8f3accabfa34e9762229818e10b85087784d67140745d759b1fcf",
    ),
    Version(
        "4",
        "A quarter, or another period, that lies partly in another contract year counts in neither.",
        "acda1be206be86ca70b82f1b7b31d57a6b6d836c811a62d0b45ba38edde96c42",
    ),
)
"""Only ever added to: a version that may have been settled by is never given another digest."""
FORMULAS_IN_WORDS: Final = {
    "sum": "all parts together",
    "difference": "the first less the second",
    "product": "all parts times each other",
    "quotient": "the first over the second",
    "negative": "the part, turned round",
    "magnitude": "the part without its sign",
    "least_of": "the smallest part",
    "most_of": "the largest part",
    "within": "the first, but no less than the second and no more than the third",
    "at_least": "1 where the first is the second or more, else 0",
    "at_most": "1 where the first is the second or less, else 0",
    "above": "1 where the first is more than the second, else 0",
    "every": "1 where no part is 0, else 0",
    "choice": "the second where the first is 1, else the third",
    "rounded": "to a whole number, half to even",
    "whole": "the whole number at or below",
    "largest_remainder": "of the first, a pool, what the party at the second, its place from 0, has by largest remainder of the others, every exact amount",
}

_OPENING: Final = (
    f"How risk and gain share of a contract year is computed, method version {METHOD_VERSION}. Each settlement says by which version it was made, and the same"
    " rules and inputs by the same version come to the same pence for ever.\n\nEverything here is generated from the code that settles; the examples are"
    " computed by it and are of nobody. Money is in pence, and exact until the one rounding."
)


@cache
def sections() -> tuple[Section, ...]:
    """Every section, in the order in which a payment comes to be."""
    return (*parts(), example(), _explanation(), _statements())


def _explanation() -> Section:
    return Section(
        "The explanation, and working it out again",
        "this service",
        "A settlement, and each party's statement of it, holds a tree: every node has its name, exact value (a decimal, or a fraction in lowest terms),"
        " unit, formula, parts and source. The parts of a node are worked out first; the formula says what becomes of them. `given` is not worked out"
        " and says where it is from; `as_above` is the node of that name that is written out further up. These are all the formulas there are: who has"
        " the tree needs nothing else to come to its pence.",
        (),
        [
            Table(
                "What a formula makes of its parts",
                ("formula", "what it makes"),
                [[name, words] for name, words in FORMULAS_IN_WORDS.items()],
            )
        ],
    )


def _statements() -> Section:
    return Section(
        "What each party is told, and what it can work out",
        "this service",
        "The integrator's explanation goes down to the returns: a count of a published figure is the sum of what each accepted revision behind it says, whose"
        " source names the revision and where its cells are to be had. A count that no returns add up to, as that of an import, says where it was published.\n\n"
        "A party's has all that its own pence are worked out from, down to scores, rules and costs, and neither another's pence nor a count of others. The"
        " statement's `figures` say where it reads what is behind the scores: a commissioner the row that was published for it, a subcontract its own row"
        " and its own returns, each with its counts and where its cells are to be had. What is of one state of the year alone says of which: 0 is the"
        " settlement itself, the others are its true-ups, each with its date, causes and publications.\n\n"
        "What else follows from that can be worked out, and has to be, for pence are recomputed to the last one. An exact score gives the ratio behind it, and"
        " so, where two report a measure, often the other's counts. What is at risk in all and quality give what is withheld in all. A pool and one's own part"
        " of it give the other parts together: where there is one other, its part. As much of one's line as is in suspense for another's dispute tells how"
        " much that is. A subcontract is told what is at risk in all but not the annual value, off which the integrator's fee could be taken; the public is"
        " told that a year was settled, and no figure or price.",
        (),
    )


def _versions() -> Section:
    return Section(
        "Versions",
        "this service",
        "What was settled by a version stays as it was settled. A true-up is computed by the version in use when it is made, and says so.",
        (),
        [Table("What each version changed", ("version", "changed"), [[each.number, each.changed] for each in VERSIONS])],
    )


def markdown() -> str:
    """The note as it is committed."""
    generated = "Generated from `app/settlement/method.py` by `python -m tests.settlement.method_page --write`; a test compares the two."
    return as_markdown(f"# {TITLE}\n\n{generated}\n\n{_OPENING}", (*sections(), _versions()))


@cache
def html() -> str:
    """The note as the body of a page."""
    return as_html(f"{TITLE}, version {METHOD_VERSION}", _OPENING, (*sections(), _versions()))
