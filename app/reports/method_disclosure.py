"""The part of the method note that is about what the public is shown: which counts are hidden, and how the others are rounded."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from app.disclosure.domain import NATIONAL_CUTS
from app.disclosure.rounding import NEAREST, SMALLEST, SUPPRESSIONS, by_itself, shown
from app.kernel.figures import rounded
from app.reports.method_note import Cell, Section, Table

_ROWS: Final[Sequence[tuple[str, str, str | None]]] = (
    ("ratio", "0", "0"),
    ("ratio", "0", "20"),
    ("ratio", "2.5", "20"),
    ("ratio", "7.5", "16"),
    ("ratio", "8", "16"),
    ("ratio", "12", "57"),
    ("ratio", "95", "98"),
    ("ratio", "412", "531"),
    ("ratio", "3", "6"),
    ("count", "7", None),
    ("count", "8", None),
    ("count", "57", None),
    ("count", "10023", None),
    ("mean", "164", "20"),
    ("mean", "50", "6"),
)


def disclosure_sections() -> tuple[Section, ...]:
    return (_counts(), _cuts())


def _public(statistic: str, numerator: str, denominator: str | None) -> list[Cell]:
    counted, of = Decimal(numerator), None if denominator is None else Decimal(denominator)
    value = None if of == 0 else Fraction(counted) / Fraction(of) if of is not None else Fraction(counted)
    row: dict[str, Any] = {
        "statistic": statistic,
        "numerator": counted,
        "denominator": of,
        "value": None if value is None else rounded(value),
        "contract_test": "no_target",
    }
    public = shown(row, by_itself(row))
    return [statistic, numerator, denominator, public["numerator"], public["denominator"], public["value"], public["suppression"]]


def _counts() -> Section:
    return Section(
        "What the public is shown",
        "NHS Digital's disclosure control for sub-national hospital statistics (September 2018), and more than it",
        f"In a public rendition counts above zero and below {SMALLEST} are hidden, halves too; other counts are to the nearest {NEAREST}, one half"
        " way going up, and percentages are of rounded counts. Zero stays zero. The complement of a proportion is a count as well: 95 of 98 in"
        " time tells of 3 that were not. Limits and process control would give counts away and are left out; means and medians are shown to two"
        " digits. A verdict is shown only where what is shown decides it.\n\n"
        "What could be worked out from other rows, months or versions is withheld too. Nothing that is stored changes, and every format shows the"
        " same. Nobody else's rendition is touched: a programme, its commissioners and its subcontracts see figures as they are.",
        [],
        [
            Table(
                "A row by itself",
                ("statistic", "numerator", "denominator", "shown numerator", "shown denominator", "shown value", "suppression"),
                [_public(*each) for each in _ROWS],
            ),
            Table("Why something is hidden", ("suppression", "meaning"), list(SUPPRESSIONS.items()), explains=True),
        ],
    )


def _cuts() -> Section:
    return Section(
        "What is published as it is",
        "NHS England publishes cancer waiting times unsuppressed, for providers and for commissioners",
        "A measure may be shown as published (`as_published`) where the same cut and basis of it is published nationally: hiding there protects"
        " nobody. Every other cut of the same figures is under the rules above. An imported figure stands as it was published.",
        [],
        [
            Table(
                "Slices that are published nationally",
                ("basis", "slice"),
                [[basis, slice_] for basis, slices in NATIONAL_CUTS.items() for slice_ in sorted(slices)],
            )
        ],
    )
