"""The published schemas: of reports, and of what else is downloaded and kept, each of the shape in which it is served."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from app.publications.schemas import KeySetView, ManifestView, NoticeView
from app.reports.effect_schemas import SubmittedView
from app.reports.envelope import SCHEMA_VERSION
from app.reports.json_schema import report_schema, schema_of

_MADE: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "report": report_schema,
    "manifest": partial(
        schema_of,
        "manifest",
        ManifestView,
        title="The manifest of a publication",
        description="What it was made of and what it is made of, signed, and chained to the manifest before.",
    ),
    "change-notice": partial(
        schema_of,
        "change-notice",
        NoticeView,
        title="The change notice of a publication",
        description="Which rows read otherwise than in the publication before, by how much, and why.",
    ),
    "key-set": partial(
        schema_of,
        "key-set",
        KeySetView,
        title="The public keys of an installation",
        description="A JSON Web Key Set of every key that anything was ever signed with.",
    ),
    "receipt": partial(
        schema_of,
        "receipt",
        SubmittedView,
        title="The receipt of a return",
        description="What became of a submission: its revision, what it warns of, what it changes, and the digest of the bytes that were kept.",
    ),
}

SCHEMAS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {f"{name}-{SCHEMA_VERSION}.json": made for name, made in _MADE.items()}
"""Every published schema by its file's name."""
