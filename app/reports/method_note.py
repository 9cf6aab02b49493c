"""What the method note is made of, and the note as text: sections with their source, rules in words, formulas and tables of worked examples."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from html import escape
from typing import NamedTuple

from app.kernel.canonical import digest
from app.kernel.figures import rounded

Cell = str | int | Decimal | Fraction | None
"""What a table shows: exact figures are shown as decimals, and nothing as nothing."""


class Table(NamedTuple):
    """A table of the note; what its rows say of figures is computed by the method itself. The last column of one that `explains` is words."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    explains: bool = False


class Section(NamedTuple):
    """One part of the method. `source` says where it is defined; an empty line divides the paragraphs of `rules`."""

    title: str
    source: str
    rules: str
    formulas: Sequence[str] = ()
    tables: Sequence[Table] = ()


class Version(NamedTuple):
    """A version of the method: what it changed, and the digest of what its examples come to, from the first that has a note on."""

    number: str
    changed: str
    examples_sha256: str | None


def shown(cell: Cell) -> str:
    """A cell as text; a ratio to as many places as a row's value."""
    match cell:
        case None:
            return ""
        case Fraction():
            return str(rounded(cell)) if cell.denominator != 1 else str(cell.numerator)
        case _:
            return str(cell)


def exact_text(constant: Fraction) -> str:
    """A constant of a formula, all its digits."""
    return str(Decimal(constant.numerator) / Decimal(constant.denominator))


def examples_sha256(sections: Iterable[Section]) -> str:
    """The digest of every row of every table: words may be put better, what the method answers may not change under them."""
    tables = [table for section in sections for table in section.tables]
    return digest([[table.columns, [list(map(shown, row[:-1] if table.explains else row)) for row in table.rows]] for table in tables])


def as_markdown(opening: str, sections: Sequence[Section]) -> str:
    """The note as it is committed."""
    parts = [opening]
    for section in sections:
        parts += [f"## {section.title}", f"Source: {section.source}", section.rules]
        parts += ["\n".join(f"    {formula}" for formula in section.formulas)] if section.formulas else []
        for table in section.tables:
            lines = [_line(table.columns), _line(["---"] * len(table.columns)), *(_line(map(shown, row)) for row in table.rows)]
            parts += [f"*{table.caption}*", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def as_html(title: str, opening: str, sections: Sequence[Section]) -> str:
    """The note as a page's body: a list of its sections, then each of them."""
    listed = "".join(f'<li><a href="#{_anchor(section)}">{escape(section.title)}</a></li>' for section in sections)
    return f"<h1>{escape(title)}</h1>{_paragraphs(opening)}<nav><ol>{listed}</ol></nav>" + "".join(map(_section, sections))


def _anchor(section: Section) -> str:
    return "-".join(word for word in "".join(each if each.isalnum() else " " for each in section.title.lower()).split())


def _section(section: Section) -> str:
    formulas = f"<pre>{escape(chr(10).join(section.formulas))}</pre>" if section.formulas else ""
    return (
        f'<section id="{_anchor(section)}"><h2>{escape(section.title)}</h2><p><em>Source: {escape(section.source)}</em></p>'
        f"{_paragraphs(section.rules)}{formulas}{''.join(map(_table, section.tables))}</section>"
    )


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "".join("<tr>" + "".join(f"<td>{escape(shown(cell))}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<table><caption>{escape(table.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
