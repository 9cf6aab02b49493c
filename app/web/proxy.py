"""The sample configuration of nginx in front of the service, filled in from the service's own settings."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Final

from app.settings import CannotStart, Settings

_MARGIN_SECONDS: Final = 10
_PLAIN: Final = re.compile(r"[A-Za-z0-9._:/,\[\]~+-]+")
"""Names of hosts, addresses and paths; nothing that ends a directive or begins another."""


def nginx_configuration(
    settings: Settings, *, name: str, certificate: Path, key: Path, upstream: str = "127.0.0.1:8000", listen: str = "443"
) -> str:
    """What nginx reads inside `http`: its limits are the service's, so that neither takes what the other refuses.

    CannotStart where something that is filled in would be read as more than it is.
    """
    filled = files("app.web").joinpath("nginx.conf").read_text(encoding="utf-8")
    # No answer takes longer than its wait, its statement and the wait for a connection to the database.
    answer_seconds = settings.wait_seconds + settings.statement_timeout_seconds + settings.pool_wait_seconds + _MARGIN_SECONDS
    values = {
        "NAME": name,
        "CERTIFICATE": str(certificate),
        "KEY": str(key),
        "UPSTREAM": upstream,
        "PROXY": ",".join(settings.trusted_proxies) or "127.0.0.1",
        "LISTEN": listen,
        "HEAD_SECONDS": str(settings.head_seconds),
        "SLOW_SECONDS": str(settings.slow_seconds),
        "HEAD_BUFFER": str(settings.head_limit_bytes // 4),
        "BODY_BYTES": str(settings.body_limit_bytes),
        "BACKFILL_BYTES": str(settings.backfill_limit_bytes),
        "ANSWER_SECONDS": str(answer_seconds),
    }
    wrong = [mark.lower() for mark, value in values.items() if not _PLAIN.fullmatch(value)]
    if wrong:
        raise CannotStart(f"In a configuration of nginx these cannot stand as they are, without blanks or signs: {', '.join(wrong)}.")
    for mark, value in values.items():
        filled = filled.replace(f"@{mark}@", value)
    return filled
