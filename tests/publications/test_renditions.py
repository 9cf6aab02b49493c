"""A rendition is canonical, signed, the same whatever came first, and readable part by part; each audience reads its own rows."""

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.canonical import canonical_text, sha256
from app.kernel.months import Month
from app.organisations.domain import Succession
from app.publications.domain import OF_PROGRAMME, Audience
from app.publications.renditions import Readership, Rendition, Writer, readerships, rendition_of, rows_of_part
from tests.make import contract

SEPTEMBER = Month.parse("2026-09")
NOTES = [{"code": "intervals", "detail": "…", "members": "lower"}, {"code": "unsigned", "detail": "SC-A", "members": "value"}]
HEAD = {"month": Month.parse("2026-10"), "sequence": 1, "coverage": Decimal("0.9641")}


def row(commissioner: str = "all", subcontract: str = "all", *, excludes: str | None = None, value: str = "0.000012") -> dict[str, Any]:
    return {"commissioner": commissioner, "subcontract": subcontract, "excludes": excludes, "value": Decimal(value)}


def signed(content: bytes | bytearray) -> dict[str, str]:
    return {"algorithm": "none", "key_id": "k", "value": sha256(content)}


def written(readership: Readership, parts: dict[tuple[str, str], list[dict[str, Any]]]) -> Rendition:
    writer = Writer(readership, NOTES)
    for (slice_, period), rows in parts.items():
        writer.add(slice_, period, [(each, canonical_text(each)) for each in rows])
    return rendition_of(writer.body(), {"queries": "…"}, HEAD, schema_version="1.0", sign=signed)


@settings(max_examples=30)
@given(sizes=st.lists(st.integers(0, 4), min_size=1, max_size=5))
def test_the_stream_holds_canonical_bytes_and_each_part_is_read_without_the_rest(sizes: list[int]) -> None:
    parts = {("all", f"p{at}"): [row(value=f"0.{at}{number}1") for number in range(size)] for at, size in enumerate(sizes)}
    made = written(Readership(OF_PROGRAMME), parts)
    content = gzip.decompress(made.compressed)
    parsed = json.loads(content)
    assert content == rfc8785.dumps(parsed)
    assert (made.sha256, made.length_bytes) == (sha256(content), len(content))
    unsigned = {name: value for name, value in parsed.items() if name != "signature"}
    assert parsed["signature"]["value"] == sha256(rfc8785.dumps(unsigned))
    for part, rows in zip(made.parts, parts.values(), strict=True):
        assert part.rows == len(rows)
        told = json.loads(rows_of_part(made.compressed[part.first : part.last]) if part.rows else b"[]", parse_float=Decimal)
        assert told == rows


def test_a_party_reads_its_own_rows_and_what_names_others_only_where_it_may() -> None:
    rows = [row(), row("05W"), row("05G"), row("05W", "SC-A"), row("all", "SC-B"), row(excludes="SC-A late, SC-B some late, SC-C late")]

    def read(readership: Readership) -> list[tuple[str, str, str | None]]:
        parsed = json.loads(gzip.decompress(written(readership, {("all", "month"): rows}).compressed))
        return [(each["commissioner"], each["subcontract"], each["excludes"]) for each in parsed["observations"]]

    stoke = Readership(Audience("commissioner", "05W"), frozenset({"05W", "all"}))
    assert read(stoke) == [
        ("all", "all", None), ("05W", "all", None), ("05W", "SC-A", None), ("all", "SC-B", None),
        ("all", "all", "SC-A late, SC-B some late, SC-C late"),
    ]  # fmt: skip
    assert [note["code"] for note in stoke.notes(NOTES)] == ["intervals", "unsigned"]
    unnamed = Readership(stoke.audience, stoke.populations, subcontracts_shown=False)
    assert read(unnamed) == [("all", "all", None), ("05W", "all", None), ("all", "all", "2 late, 1 some late")]
    assert [note["code"] for note in unnamed.notes(NOTES)] == ["intervals"]
    own = Readership(Audience("subcontract", "SC-A"))
    assert read(own) == [("05W", "SC-A", None)]


def test_a_commissioner_reads_its_parts_and_what_it_has_succeeded() -> None:
    commissioners = [
        {"ods_code": "QNC", "name": "Whole"},
        {"ods_code": "05W", "name": "Stoke", "parent": "QNC"},
        {"ods_code": "OLD", "name": "Gone", "to_month": "2026-08"},
    ]
    links = (Succession(predecessor="OLD", successor="05W", legal_on=SEPTEMBER.first_day, operational_on=SEPTEMBER.first_day),)
    made = replace(contract(commissioners=commissioners, assignments=[]), successions=links)
    months = [SEPTEMBER, SEPTEMBER.plus(1)]
    own = {each.audience: each.populations for each in readerships(made, months, subcontracts_shown=True)}
    assert own[Audience("commissioner", "05W")] == {"05W", "OLD", "all"}
    assert own[Audience("commissioner", "QNC")] == {"QNC", "05W", "all"}
    assert Audience("commissioner", "OLD") not in own
    assert {audience.kind for audience in own} == {"programme", "commissioner", "subcontract"}


def test_what_is_missing_over_months_is_counted_by_month() -> None:
    unnamed = Readership(Audience("commissioner", "05W"), frozenset({"all"}), subcontracts_shown=False)
    assert unnamed.shown(row(excludes="SC-A 2026-09 late, SC-B 2026-09 late"))["excludes"] == "2 2026-09 late"
