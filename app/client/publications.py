"""`mainstem publication verify`: shows offline that a downloaded report or manifest is what was published, to the byte."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.console import Console
from rich.table import Table

from app.client.calling import FAILED, HERE, AsJson, Url, as_written, fail
from app.client.shown import local
from app.kernel.canonical import canonical_bytes, sha256
from app.kernel.months import Month, month_words
from app.publications.signatures import is_proven, keys_of

KEY_SET: Final = "/.well-known/mainstem-signing-keys.json"
_GZIP: Final = b"\x1f\x8b"
_SECONDS: Final = 30.0
_OF_PUBLICATION: Final = {"programme", "month", "sequence", "status", "published_at"}

publications = typer.Typer(help="What proves that a report is as it was published.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a file says that it is, and what holds of it; `sha256` is that of its canonical JSON, as the manifest names it."""

    named: Mapping[str, Any]
    sha256: str
    findings: tuple[tuple[str, bool], ...]

    @property
    def holds(self) -> bool:
        return all(holds for _, holds in self.findings)


def proof_of(content: bytes, keys: Mapping[str, str]) -> Proof:
    """What can be shown of a file with public keys by their ids. ValueError where it is no publication of any kind."""
    content = gzip.decompress(content) if content.startswith(_GZIP) else content
    document = json.loads(content, parse_float=Decimal, parse_int=Decimal)
    try:
        signature = dict(document["signature"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("the file has no signature") from None
    canonical = canonical_bytes(document)
    unsigned = canonical_bytes({name: value for name, value in document.items() if name != "signature"})
    public_key = keys.get(str(signature.get("key_id")))
    findings = (
        ("The bytes have the form in which it is published, not one written anew", content == canonical),
        ("The key that signed it is known", public_key is not None),
        (
            "The signature is that of this key over exactly what it says",
            public_key is not None and is_proven(signature, unsigned, public_key),
        ),
    )
    about = document.get("report", document)
    members = ("programme", "month", "sequence", "supersedes", "status", "audience", "audience_code", "published_at", "previous_sha256")
    named = {name: about[name] for name in members if name in about}
    return Proof({**named, "key_id": signature.get("key_id")}, sha256(canonical), findings)


def sentences(proof: Proof) -> Iterator[str]:
    """What was found, for a person: whether it is what was published, what it says that it is, and what its digest is compared with."""
    named = proof.named
    is_manifest = "audience" not in named
    known, signed = (holds for _, holds in proof.findings[1:])
    if proof.holds:
        yield "This file is what was published, byte for byte."
    elif signed:
        yield "What this file says is what was published, but it was written anew since: its bytes are NOT those that were published."
    elif known:
        yield "This file is NOT what was published: something in it was changed after it was signed."
    else:
        yield "It is NOT shown that this file is what was published: the key that signed it is not among the public keys at hand."
    if named.keys() >= _OF_PUBLICATION:
        yield f"{'It is' if signed else 'It says that it is'} {_what(named, is_manifest=is_manifest)}"
    if signed:
        also = "the next publication's manifest names it as the one before" if is_manifest else "the publication's manifest names it"
        yield f"Its SHA-256 is {proof.sha256}: {also}, and its ETag is the same."
    yield f"The key is {named['key_id']}."


def _what(named: Mapping[str, Any], *, is_manifest: bool) -> str:
    """`publication 3 of staffs-cancer, of October 2026, …`, and what it takes the place of."""
    month, audience = month_words(Month.parse(str(named["month"]))), named.get("audience")
    reader = {"programme": "the integrator", "public": "the public"}.get(str(audience), f"{audience} {named.get('audience_code')}")
    first = (
        f"{'the manifest of ' if is_manifest else ''}publication {named['sequence']} of {named['programme']} for {month}, {named['status']}"
    )
    whom = "" if is_manifest else f", as {reader} reads it"
    before = named.get("supersedes")
    place = f"It takes the place of publication {before}." if before is not None else "It is the first of that month."
    return f"{first}{whom}, published on {local(str(named['published_at']))} (London). {place}"


@publications.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A report or manifest as it was downloaded.", exists=True, dir_okay=False, readable=True)],
    *,
    keys: Annotated[
        Path | None, typer.Option(help="The public keys, as a file; left out, they are fetched.", exists=True, dir_okay=False)
    ] = None,
    url: Url = HERE,
    as_json: AsJson = False,
) -> None:
    """Show that a report is as it was published and signed; with --keys nothing is asked of anybody."""
    try:
        known = keys_of(json.loads(keys.read_bytes()) if keys else _fetched(url))
    except (ValueError, KeyError, TypeError):
        fail("These are no public keys: a JSON Web Key Set is wanted.")
    try:
        proof = proof_of(file.read_bytes(), known)
    except (ValueError, TypeError, AttributeError, EOFError):
        fail(f"{file} is no report or manifest of a publication: it is not JSON with a signature.")
    if as_json:
        typer.echo(as_written({"verified": proof.holds, **proof.named, "sha256": proof.sha256, "findings": dict(proof.findings)}))
    else:
        table = Table("what was looked at", "holds")
        for what, holds in proof.findings:
            table.add_row(what, "yes" if holds else "NO")
        Console().print(table)
        for sentence in sentences(proof):
            typer.echo(sentence)
    if not proof.holds:
        raise typer.Exit(FAILED)


def _fetched(url: str) -> Any:
    try:
        answer = httpx.get(f"{url.rstrip('/')}{KEY_SET}", timeout=_SECONDS).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL):
        fail(f"The public keys could not be fetched from {url}: name a file of them with --keys.")
    return answer.json()
