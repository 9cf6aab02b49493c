"""Examples of drafts and publications for the published contract."""

from typing import Any, Final

from app.publications.schemas import FiguresView
from app.reports.example_schemas import DIGEST, REPORT, ROW

_KEY: Final = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
_SIGNATURE: Final = {"algorithm": "Ed25519", "key_id": _KEY, "value": "oJ2B…"}
_AS_OF: Final = REPORT["report"]["as_of"]
_AT: Final = "2026-12-09T10:00:00.000000Z"

DRAFT: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "month": "2026-10",
    "version": 2,
    "commentary": "Fewer waited: a second clinic opened in September.",
    "as_of": _AS_OF,
    "inputs_sha256": DIGEST,
    "edited_at": "2026-12-09T09:00:00.000000Z",
    "edited_by": "k3v9",
    "edited_on_behalf_of": None,
    "checked_at": None,
    "checked_by": None,
    "checked_on_behalf_of": None,
    "outdated": False,
    "moved": [],
    "publishes": [{"month": "2026-10", "supersedes": 2, "rows_changed": 14}],
    "renditions": [{"audience": "commissioner", "audience_code": "05W", "sha256": DIGEST}],
}
PREPARATIONS: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "month": "2026-10",
    "prepared": [{"month": "2026-08", "supersedes": 1, "rows_changed": 96}],
    "remaining": ["2026-09", "2026-10"],
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
    "sha256": DIGEST,
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
        **REPORT["report"],
        "sequence": 3,
        "supersedes": 2,
        "previous_sha256": DIGEST,
        "audience": "commissioner",
        "audience_code": "05W",
        "published_at": _AT,
        "commentary": DRAFT["commentary"],
        "event_sha256": DIGEST,
    },
    "observations": [],
    "notes": [],
    "links": {"queries": "/v1/programmes/staffs-cancer/publications/3/queries"},
    "signature": _SIGNATURE,
}
_FIGURES: Final[dict[str, Any]] = {name: ROW[name] for name in FiguresView.model_fields}
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
    "inputs_sha256": DIGEST,
    "imports_sha256": DIGEST,
    "returns": [
        {
            "collection": "cwt",
            "subcontract": "SC-RJE",
            "month": "2026-10",
            "revision": 2,
            "content_sha256": DIGEST,
            "state": "accepted",
        }
    ],
    "history": {"2026-09": DIGEST},
    "renditions": [{"audience": "commissioner", "audience_code": "05W", "sha256": DIGEST}],
    "previous_sha256": DIGEST,
    "event": {"sequence": 412, "sha256": DIGEST},
    "key_id": _KEY,
    "signature": _SIGNATURE,
}
KEYS: Final[dict[str, Any]] = {
    "keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": _KEY, "use": "sig", "alg": "EdDSA"}
    ]
}
