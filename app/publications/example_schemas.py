"""Examples of drafts and publications for the published contract."""

from typing import Any, Final

_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_KEY: Final = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
_SIGNATURE: Final = {"algorithm": "Ed25519", "key_id": _KEY, "value": "oJ2B…"}
_AS_OF: Final = "2026-12-08T17:00:00.000001Z"
_AT: Final = "2026-12-09T10:00:00.000000Z"

DRAFT: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "month": "2026-10",
    "version": 2,
    "commentary": "Fewer waited: a second clinic opened in September.",
    "as_of": _AS_OF,
    "inputs_sha256": _DIGEST,
    "edited_at": "2026-12-09T09:00:00.000000Z",
    "edited_by": "k3v9",
    "checked_at": None,
    "checked_by": None,
    "outdated": False,
    "moved": [],
    "publishes": [{"month": "2026-10", "supersedes": 2, "rows_changed": 14}],
    "renditions": [{"audience": "commissioner", "audience_code": "05W", "sha256": _DIGEST}],
}
_PUBLICATION: Final[dict[str, Any]] = {
    "sequence": 3,
    "month": "2026-10",
    "kind": "correction",
    "status": "provisional",
    "supersedes": 2,
    "superseded_by": None,
    "revision_pending": False,
    "rows_changed": 14,
    "reason": "One return was corrected after the first publication.",
    "as_of": _AS_OF,
    "published_at": _AT,
    "sha256": _DIGEST,
    "length_bytes": 481203,
}
PUBLISHED: Final[dict[str, Any]] = {"programme": "staffs-cancer", "publication": _PUBLICATION, "also": []}
PUBLICATIONS: Final[dict[str, Any]] = {"programme": "staffs-cancer", "publications": [_PUBLICATION], "next": None}
CHANGES: Final[dict[str, Any]] = {
    "changes": [
        {name: _PUBLICATION[name] for name in ("sequence", "month", "supersedes", "published_at", "kind", "rows_changed", "reason")}
    ],
    "next": 3,
}
RENDITION: Final[dict[str, Any]] = {
    "schema_version": "1.0",
    "report": {
        "programme": "staffs-cancer",
        "month": "2026-10",
        "phase": 1,
        "status": "provisional",
        "as_of": _AS_OF,
        "sequence": 3,
        "supersedes": 2,
        "returns_expected": 12,
        "returns_included": 11,
        "coverage": 0.9641,
        "method_version": "4",
        "inputs_sha256": _DIGEST,
        "previous_sha256": _DIGEST,
        "audience": "commissioner",
        "audience_code": "05W",
        "published_at": _AT,
        "commentary": "Fewer waited: a second clinic opened in September.",
        "event_sha256": _DIGEST,
    },
    "observations": [],
    "notes": [],
    "links": {"queries": "/v1/programmes/staffs-cancer/publications/3/queries"},
    "signature": _SIGNATURE,
}
_FIGURES: Final[dict[str, Any]] = {
    "measure_version": 1,
    "numerator": 412,
    "denominator": 531,
    "value": 0.775895,
    "lower": 0.738518,
    "upper": 0.809308,
    "standard": 0.85,
    "target": 0.75,
    "target_kind": "interim",
    "floor": 0.7,
    "stretch": 0.9,
    "contract_test": "met",
    "against_target": "similar",
    "spc_mean": None,
    "spc_lower": None,
    "spc_upper": None,
    "spc_from": "2026-07",
    "spc_points": 4,
    "spc_variation": None,
    "spc_signal": "none",
    "spc_assurance": "too_few_points",
    "coverage": 0.9641,
    "returns_expected": 12,
    "returns_included": 11,
    "excludes": "SC-H9901 late",
    "missing_reason": None,
    "suppression": None,
    "status": "provisional",
}
NOTICE: Final[dict[str, Any]] = {
    "schema_version": "1.0",
    "programme": "staffs-cancer",
    "month": "2026-10",
    "sequence": 3,
    "supersedes": 2,
    "audience": "commissioner",
    "audience_code": "05W",
    "published_at": _AT,
    "rows_changed": 1,
    "differences": [
        {
            "slice": "all",
            "period": "month",
            "measure": "CWT-62",
            **dict.fromkeys(("commissioner", "site", "pathway", "segment", "subcontract", "category"), "all"),
            "change": "revised",
            "before": {**_FIGURES, "numerator": 410, "value": 0.772128},
            "after": _FIGURES,
            "why": [
                {
                    "kind": "revised",
                    "collection": "cwt",
                    "subcontract": "SC-RJE",
                    "organisation_name": "University Hospitals of North Midlands NHS Trust",
                    "month": "2026-10",
                    "revision_before": 1,
                    "revision": 2,
                }
            ],
            "sentence": "62 days from referral to first treatment, October 2026: from 77.2% (410 of 531) to 77.6% (412 of 531), up 0.4 percentage"
            " points, better. The cwt return of University Hospitals of North Midlands NHS Trust (SC-RJE) for October 2026 was revised (revision"
            " 2 replaces revision 1). The new figure is within the 95% limits of the one before (73.5% to 80.6%): so small a change can be chance"
            " variation.",
        }
    ],
}
MANIFEST: Final[dict[str, Any]] = {
    "schema_version": "1.0",
    "programme": "staffs-cancer",
    "sequence": 3,
    "month": "2026-10",
    "kind": "correction",
    "status": "provisional",
    "supersedes": 2,
    "as_of": _AS_OF,
    "published_at": _AT,
    "method_version": "4",
    "contract_recorded_at": "2026-06-01T09:00:00.000000Z",
    "inputs_sha256": _DIGEST,
    "imports_sha256": _DIGEST,
    "returns": [
        {
            "collection": "cwt",
            "subcontract": "SC-RJE",
            "month": "2026-10",
            "revision": 2,
            "content_sha256": _DIGEST,
            "state": "accepted",
        }
    ],
    "history": {"2026-09": _DIGEST},
    "renditions": [{"audience": "commissioner", "audience_code": "05W", "sha256": _DIGEST}],
    "previous_sha256": _DIGEST,
    "event": {"sequence": 412, "sha256": _DIGEST},
    "key_id": _KEY,
    "signature": _SIGNATURE,
}
KEYS: Final[dict[str, Any]] = {
    "keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": _KEY, "use": "sig", "alg": "EdDSA"}
    ]
}
