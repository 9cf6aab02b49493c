"""The part of the method note that is about what the public is shown: which counts are hidden, and how the others are rounded."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from app.disclosure.domain import NATIONAL_CUTS, SMALL_COUNTS, Policy, Released, disclose
from app.disclosure.rounding import NEAREST, SMALLEST, SPREAD, SUPPRESSIONS, by_itself, shown
from app.kernel.codes import ALL
from app.kernel.figures import rounded
from app.kernel.months import Month
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
    return (_counts(), _together(), _cuts())


def _public(statistic: str, numerator: str, denominator: str | None) -> list[Cell]:
    counted, of = Decimal(numerator), None if denominator is None else Decimal(denominator)
    value = None if of == 0 else Fraction(counted) / Fraction(of) if of is not None else Fraction(counted)
    row: dict[str, Any] = {
        "statistic": statistic,
        "numerator": counted,
        "denominator": of,
        "value": None if value is None else rounded(value),
        "contract_test": "no_target",
        "missing_reason": None,
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
        "Nothing that is stored changes, and every format shows the same. Nobody else's rendition is touched: a programme, its commissioners and its"
        " subcontracts see figures as they are.",
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


def _row(counted: str, *, commissioner: str = ALL, month: str = "2026-10", first: str | None = None) -> dict[str, Any]:
    """A count of the whole programme or of one commissioner, in a month or in the window that begins with `first`."""
    count, last = Decimal(counted), Month.parse(month)
    return {
        "slice": "all" if commissioner == ALL else "commissioner",
        "measure": "M",
        "measure_version": 1,
        "basis": "provider",
        "statistic": "count",
        "month": month,
        "period": "month" if first is None else "quarter",
        "period_start": Month.parse(first or month).first_day.isoformat(),
        "period_end": last.last_day.isoformat(),
        **dict.fromkeys(("site", "pathway", "segment", "subcontract", "category"), ALL),
        "commissioner": commissioner,
        "commissioner_scope": "exact",
        "site_scope": "exact",
        "numerator": count,
        "denominator": None,
        "value": count,
        "contract_test": "no_target",
        "missing_reason": None,
        "target": None,
        "source": "returns",
    }


def _together() -> Section:
    policies: Mapping[str, Policy] = {"M": SMALL_COUNTS}
    parts = [_row("60"), _row("3", commissioner="05W"), _row("27", commissioner="05V"), _row("30", commissioner="04Y")]
    seven = [_row("7"), *(_row("1", commissioner=f"C{number}") for number in range(1, 8))]
    earlier: list[Released] = []
    for each in (_row("18", month="2026-07"), _row("22", month="2026-08")):
        earlier.append(Released([each], disclose([each], policies=policies, before=earlier)))
    whole = [_row("12", month="2026-09"), _row("52", month="2026-09", first="2026-07")]
    quarter = [_row("3", month="2026-09"), _row("43", month="2026-09", first="2026-07")]
    cases = (
        ("a total and its parts, one of them small", parts, ()),
        ("a small total of seven parts, which would be 1 each if each were said to be small", seven, ()),
        ("two months that are public, then a third and their quarter", whole, earlier),
        ("two months that are public, then a small one and their quarter", quarter, earlier),
    )

    def said(row: Mapping[str, Any]) -> str:
        return f"{row['month']} {row['period']} {row['commissioner']}"

    return Section(
        "Rows beside each other",
        "Decision 0049 of this service; NHS Digital's method holds for one table only",
        "A window of months is shown as the sum of what is shown of its months (`rounded_5_months`), and hidden where one of these is: it tells"
        " nothing that they do not. What came before the first month that is public is one more figure, rounded and hidden as a month is. So each"
        " month stands alone. A reader is played who knows these rules and every version of the month that was ever public: totals and their parts,"
        " parents and children, what crosses in two places, and what moved from version to version. Every count is a whole number between bounds;"
        f" sums narrow the bounds until nothing narrows any more. While a hidden count has less than {SPREAD} between the least and the most that it"
        " may be, less is told: first not that it is small, then the least important count that is shown (`derived`). What was public stays counted"
        " as public.\n\n"
        "Not promised: what a reader knows from elsewhere, and relations between measures.",
        [],
        [
            Table(
                "Four cases",
                ("case", "row", "count", "shown", "suppression"),
                [
                    [words, said(row), row["numerator"], public["numerator"], public["suppression"]]
                    for words, rows, released in cases
                    for row, public in zip(rows, disclose(rows, policies=policies, before=released), strict=True)
                ],
            )
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
