"""How bodies that are no JSON are sent when the contract is fuzzed: as the text that their schema allows. Loaded by schemathesis."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
def _as_text(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
