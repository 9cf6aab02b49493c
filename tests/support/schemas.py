"""Reports held against their published JSON Schema, by a validator that is not ours."""

import json
from functools import cache

from jsonschema_rs import Draft202012Validator

from app.reports.json_schema import report_schema


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(report_schema(), validate_formats=True)


def faults_of(report: bytes) -> list[str]:
    """What is wrong with a report, each with its place."""
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}" for error in _validator().iter_errors(json.loads(report))]
