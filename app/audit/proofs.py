"""What is signed of a chain: checkpoints and the manifests of publications, made and checked as values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.audit.chains import Finding, Head, Witness
from app.kernel.canonical import canonical_bytes, sha256
from app.publications.manifests import FIRST
from app.publications.signatures import is_proven

Keys = Mapping[str, str]
"""Public keys by their ids."""

CHECKPOINT: Final = "checkpoint"


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


def unproven(document: Mapping[str, Any], keys: Keys) -> str | None:
    """Why a signed document proves nothing; None where its signature is that of a known key over all that it says."""
    signature = document.get("signature")
    key = keys.get(str(signature.get("key_id"))) if isinstance(signature, Mapping) else None
    if not isinstance(signature, Mapping) or key is None:
        return "The key that signed it is not known."
    unsigned = canonical_bytes({name: value for name, value in document.items() if name != "signature"})
    return None if is_proven(dict(signature), unsigned, key) else "Its signature is not that of its key over what it says."


def witness_of_checkpoint(statement: Mapping[str, Any]) -> Witness:
    named = f"the checkpoint at event {statement['sequence']}"
    return Witness(int(statement["sequence"]), statement["sha256"], named)


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
