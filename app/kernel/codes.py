"""Codes: how programmes, subcontracts, measures and the like are named."""

import re
from typing import Annotated, Final

from pydantic import StringConstraints

ALL: Final = "all"
"""A total over a place; never a code of anything."""

UNKNOWN: Final = "UNKNOWN"
"""A commissioner or site that a measure may allow where it is not known; never a code of anything else."""

RESERVED: Final = frozenset({ALL, UNKNOWN})

CODE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_CODE: Final = re.compile(CODE_PATTERN.replace("$", r"\Z"))

Code = Annotated[str, StringConstraints(strict=True, pattern=CODE_PATTERN, max_length=64)]
"""A code, compared exactly. Reserved words are refused where a code is given to something."""


def is_code(text: str) -> bool:
    """Whether the text has the shape of a code (reserved words included)."""
    return _CODE.match(text) is not None
