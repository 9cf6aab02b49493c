"""The sample configuration of nginx in front of the service, filled in from the service's own settings."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from app.settings import Settings

_MARGIN_SECONDS: Final = 10


def nginx_configuration(
    settings: Settings, *, name: str, certificate: Path, key: Path, upstream: str = "127.0.0.1:8000", listen: str = "443"
) -> str:
    """What nginx reads inside `http`: its limits are the service's, so that neither takes what the other refuses."""
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
    for mark, value in values.items():
        filled = filled.replace(f"@{mark}@", value)
    return filled
