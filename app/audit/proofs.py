"""What is signed of a chain: checkpoints and the manifests of publications, made and checked as values."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from app.audit.chains import Finding, Head, Witness
from app.kernel.canonical import canonical_bytes, sha256
from app.publications.manifests import FIRST
from app.publications.signatures import is_proven
from app.web.intake import Malformed, parse

Keys = Mapping[str, str]
"""Public keys by their ids."""

CHECKPOINT: Final = "checkpoint"
Statement = Mapping[str, Any]
"""A checkpoint as it was signed."""
_MEMBERS: Final = {
    "schema_version": str, "kind": str, "chain": str, "sequence": int, "sha256": str, "signed_at": str, "key_id": str, "signature": dict,
}  # fmt: skip


def checkpoint_body(chain: str, head: Head, *, at: datetime, key_id: str) -> dict[str, Any]:
    """What a checkpoint says: where a chain stood at a moment."""
    return {
        "schema_version": "1.0",
        "kind": CHECKPOINT,
        "chain": chain,
        "sequence": head.sequence,
        "sha256": head.sha256,
        "signed_at": at,
        "key_id": key_id,
    }


def unproven(document: Statement, keys: Keys) -> str | None:
    """Why a signed document proves nothing; None where its signature is that of a known key over all that it says."""
    signature = document.get("signature")
    key = keys.get(str(signature.get("key_id"))) if isinstance(signature, Mapping) else None
    if not isinstance(signature, Mapping) or key is None:
        return "The key that signed it is not known."
    unsigned = canonical_bytes({name: value for name, value in document.items() if name != "signature"})
    return None if is_proven(dict(signature), unsigned, key) else "Its signature is not that of its key over what it says."


def witness_of_checkpoint(statement: Statement, *, named: str = "the checkpoint") -> Witness:
    return Witness(int(statement["sequence"]), statement["sha256"], f"{named} at event {statement['sequence']}")


def kept_in(lines: Iterable[bytes]) -> list[Statement]:
    """The checkpoints that somebody kept, one a line; ValueError names every line that holds none."""
    kept, strange = list[Statement](), list[str]()
    for number, line in enumerate(lines, start=1):
        if line.strip():
            statement = _checkpoint(line)
            if statement is None:
                strange.append(str(number))
            else:
                kept.append(statement)
    if strange or not kept:
        where = f"Of its lines, these hold none: {', '.join(strange)}." if strange else "It is empty."
        raise ValueError(f"A checkpoint is one line, as `mainstem audit checkpoint` prints it. {where}")
    return kept


def _checkpoint(line: bytes) -> Statement | None:
    try:
        document = parse(line)
    except Malformed:
        return None
    fits = isinstance(document, dict) and {name: type(value) for name, value in document.items()} == _MEMBERS
    return document if fits and document["kind"] == CHECKPOINT else None


def held_against(kept: Iterable[Statement], chain: str, keys: Keys, witnesses: list[Witness]) -> Iterator[Finding]:
    """Of kept checkpoints those of a chain: who is proven joins the witnesses, and who is not is named."""
    for statement in kept:
        if statement["chain"] == chain:
            fault = unproven(statement, keys)
            if fault is None:
                witnesses.append(witness_of_checkpoint(statement, named="the kept checkpoint"))
            else:
                yield Finding(chain, f"kept checkpoint at event {statement['sequence']}", fault)


def without_chain(kept: Iterable[Statement], chains: Iterable[str]) -> list[Finding]:
    """What kept checkpoints were signed over, where there is no such chain any more."""
    ends = {statement["chain"]: statement["sequence"] for statement in sorted(kept, key=lambda each: int(each["sequence"]))}
    missing = "It is missing with the whole chain: the kept checkpoint was signed over it."
    return [Finding(chain, f"event {sequence}", missing) for chain, sequence in sorted(ends.items()) if chain not in chains]


def witness_of_manifest(manifest: Mapping[str, Any]) -> Witness:
    named = f"publication {manifest['sequence']}"
    return Witness(int(manifest["event"]["sequence"]), manifest["event"]["sha256"], named)


class Manifests:
    """A programme's manifests, followed in the order of their sequences: each signed, and chained to the one before."""

    def __init__(self, chain: str, keys: Keys) -> None:
        self._chain = chain
        self._keys = keys
        self._sequence = 0
        self._sha256 = FIRST

    def follow(self, manifest: Mapping[str, Any]) -> list[Finding]:
        here = f"publication {manifest['sequence']}"
        wrong = [] if int(manifest["sequence"]) == self._sequence + 1 else ["A publication before it is missing."]
        if manifest["previous_sha256"] != self._sha256:
            wrong.append("Its manifest is not chained to that of the publication before it.")
        fault = unproven(manifest, self._keys)
        if fault is not None:
            wrong.append(f"Its manifest: {fault}")
        self._sequence, self._sha256 = int(manifest["sequence"]), sha256(canonical_bytes(manifest))
        return [Finding(self._chain, here, each) for each in wrong]
