"""Documents held against their published JSON Schema, by a validator that is not ours."""

import json
from functools import cache

from jsonschema_rs import Draft202012Validator

from app.publications.json_schemas import SCHEMAS


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[f"{schema}-1.0.json"](), validate_formats=True)


def faults_of(document: bytes, schema: str = "report") -> list[str]:
    """What is wrong with a report, or a document of another schema, each with its place."""
    found = _validator(schema).iter_errors(json.loads(document))
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}" for error in found]
