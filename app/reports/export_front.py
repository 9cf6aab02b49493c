"""The first sheet of an exported workbook: what the report is and how final, what stands in it in a sentence each, what is missing, and its notes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from xlsxwriter.worksheet import Worksheet

from app.kernel.months import Month, month_words
from app.reports.export_looks import MARKS, Looks, height, write_text
from app.reports.export_themes import Theme, drawn, place_of
from app.reports.row_words import Row, missing_words, share_words
from app.reports.sentences import row_sentence

_LABELS: Final = 26
_WORDS: Final = 120
_FIT: Final = 135
"""So many letters stand on a line of words."""
_HOW: Final = (
    ("Contract test", "What the contract asks: whether the figure, not rounded, meets its target."),
    ("Against target by chance", "Whether the figure differs from its target by more than chance explains, by its 95% limits."),
    ("Over time", "Whether the figure differs from its own series by more than chance explains (process control)."),
    ("Will it hit the target", "Whether the process, as it is, will hit the target: always, sometimes or never."),
)


def banner_words(head: Mapping[str, Any], rows: Iterable[Row], *, superseded_by: int | None) -> str:
    """How final a report and what was imported into it is, how much of it is in, and whether another has taken its place."""
    changing = sorted({row["measure"] for row in rows if row["source"] == "import" and row["status"] == "provisional"})
    final = f"FINAL, but for figures from elsewhere that may still change: {', '.join(changing)}" if changing else "FINAL"
    said = []
    if superseded_by is not None:
        said.append(f"SUPERSEDED by publication {superseded_by}")
    said.append(final if head["status"] == "final" else "PROVISIONAL: figures may still change")
    coverage = "" if head["coverage"] is None else f", {share_words(head['coverage'])} of what is expected"
    said.append(f"{head['returns_included']} of {head['returns_expected']} returns are in{coverage}")
    if head["sequence"] is None:
        said.append("Live: not published")
    if head.get("rendition") == "public" or head.get("audience") == "public":
        said.append("For the public: small figures are withheld")
    return ". ".join(said) + "."


def _facts(head: Mapping[str, Any]) -> list[tuple[str, str]]:
    audience = head.get("audience")
    named = audience if head.get("audience_code") is None else f"{audience} {head.get('audience_code')}"
    facts = {
        "Programme": head["programme"],
        "Month": month_words(Month.parse(head["month"])),
        "Phase": head["phase"],
        "Status": head["status"],
        "Publication": head["sequence"],
        "Supersedes": head["supersedes"],
        "Superseded by": head["superseded_by"],
        "For": named,
        "Published at": head.get("published_at"),
        "Judged as of": head["as_of"],
        "Coverage": share_words(head["coverage"]),
        "Returns": f"{head['returns_included']} of {head['returns_expected']}",
        "Method": f"version {head['method_version']}",
        "Digest of this publication": head["sha256"],
        "Digest of what it is computed from": head["inputs_sha256"],
        "Digest of the publication before": head["previous_sha256"],
        "Succession": head.get("succession"),
        "Includes": head.get("include"),
        "Commentary": head.get("commentary"),
    }
    return [(label, str(said)) for label, said in facts.items() if said is not None]


def write_front(
    sheet: Worksheet,
    head: Mapping[str, Any],
    notes: Sequence[Mapping[str, Any]],
    *,
    themes: Sequence[Theme],
    earlier: Mapping[tuple[str, ...], Mapping[str, Row]],
    looks: Looks,
) -> None:
    """`head` is what the report says of itself, with its own digest and what has taken its place."""
    sheet.set_column(0, 0, _LABELS)
    sheet.set_column(1, 1, _WORDS)
    sheet.hide_gridlines(2)
    shown = [(theme, row) for theme in themes for row in drawn(theme)]
    lacking = [
        (row["measure"], row["excludes"] or missing_words(row) or "") for _, row in shown if row["excludes"] or row["missing_reason"]
    ]
    line = _section(sheet, 3, "This report", _facts(head), looks)
    line = _section(sheet, line, "In short", [(row["measure"], row_sentence(row, before=_before(row, earlier))) for _, row in shown], looks)
    line = _section(sheet, line, "What is missing", lacking or [("", "Nothing that this report names.")], looks)
    line = _section(sheet, line, "How to read the figures", [*_HOW, *((f"Mark {mark}", meaning) for mark, meaning in MARKS.items())], looks)
    _section(sheet, line, "Notes", [(note["code"].replace("_", " ").capitalize(), note["detail"]) for note in notes], looks)


def _before(row: Row, earlier: Mapping[tuple[str, ...], Mapping[str, Row]]) -> Row | None:
    return earlier.get(place_of(row), {}).get(str(Month.parse(row["month"]).plus(-1)))


def _section(sheet: Worksheet, line: int, heading: str, entries: Iterable[tuple[str, str]], looks: Looks) -> int:
    write_text(sheet, line, 0, heading, looks.section())
    write_text(sheet, line, 1, "", looks.section())
    for at, (label, said) in enumerate(entries, start=line + 1):
        write_text(sheet, at, 0, label, looks.made(bold=True, text_wrap=True))
        write_text(sheet, at, 1, said, looks.words())
        sheet.set_row(at, height((label, _LABELS), (said, _FIT)))
        line = at
    return line + 2
