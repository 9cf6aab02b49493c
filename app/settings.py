"""Every environment variable, typed, with its reason."""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX: Final = "MAINSTEM_"
CALLERS: Final = frozenset({"MAINSTEM_URL", "MAINSTEM_KEY"})
"""Not settings of the service: where it is and who is calling, for `mainstem returns` and `mainstem receipt`."""

_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


class CannotStart(Exception):
    """Something about the installation stops a command; the text is one clear sentence for the operator."""


def _data_folder() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "mainstem"


class Settings(BaseSettings):
    """What an operator may choose. Every setting has a usable default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    data: Path = Field(
        default_factory=_data_folder, description="Folder of the embedded PostgreSQL and its passwords; the user's data folder by default."
    )
    signing_keys: Path | None = Field(
        default=None,
        description="Folder of the private keys that publications are signed with; `signing-keys` in MAINSTEM_DATA by default.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL 15 or later that the service works on, as the application role; without it an embedded one is started.",
    )
    owner_database_url: SecretStr | None = Field(
        default=None,
        description="The same database as the role that migrates it; MAINSTEM_DATABASE_URL by default.",
    )
    backup_database_url: SecretStr | None = Field(
        default=None,
        description="The same database as the role that backs up, for `mainstem backup`; of the embedded one it is known.",
    )
    database_url_file: Path | None = Field(
        default=None, description="A file that holds MAINSTEM_DATABASE_URL, for a password that is not to stand in the environment."
    )
    owner_database_url_file: Path | None = Field(default=None, description="A file that holds MAINSTEM_OWNER_DATABASE_URL, likewise.")
    backup_database_url_file: Path | None = Field(default=None, description="A file that holds MAINSTEM_BACKUP_DATABASE_URL, likewise.")
    pool_size: int = Field(default=12, ge=1, le=1000, description="Connections that one process keeps to the database.")
    pool_wait_seconds: int = Field(
        default=5, ge=1, le=300, description="How long a request waits for a connection before it is told to come again."
    )
    request_threads: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Requests worked on at once; not above the pool, or they would wait for each other's connections.",
    )
    statement_timeout_seconds: int = Field(
        default=30, ge=1, le=86_400, description="After this long a statement is given up: no request waits for ever."
    )
    lock_timeout_seconds: int = Field(
        default=10, ge=1, le=3_600, description="After this long waiting for another's lock a request is told to come again."
    )
    idle_transaction_timeout_seconds: int = Field(
        default=60,
        ge=1,
        le=86_400,
        description="A transaction that does nothing for this long is ended: its locks would hold up everyone.",
    )
    shutdown_seconds: int = Field(default=20, ge=1, le=3_600, description="How long a stopping service gives the requests in flight.")
    body_limit_bytes: int = Field(
        default=16_777_216, ge=1_024, le=1_073_741_824, description="A request's body may be this large; larger ones are refused unread."
    )
    bodies_bytes: int = Field(
        default=536_870_912,
        ge=2_048,
        le=1_099_511_627_776,
        description="Bodies that one process holds in memory at once; one more is told to come again. One client's are half of them.",
    )
    backfill_limit_bytes: int = Field(
        default=536_870_912,
        ge=1_024,
        le=17_179_869_184,
        description="A backfill's body may be this large; it is laid down on disk, not held in memory.",
    )
    waiting_requests: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="Requests that wait for their turn while others are worked on; one more is told to come again. One client's are half of them.",
    )
    wait_seconds: int = Field(
        default=10,
        ge=1,
        le=300,
        description="How long a request waits for its turn; once there has been a line for so long, half as long as a request takes.",
    )
    client_requests_per_second: int = Field(
        default=500,
        ge=1,
        le=1_000_000,
        description="What one client may ask, and four seconds' worth at once: more than a program does that waits for its answers. Published "
        "reports that are at hand are not counted. Counted in each process.",
    )
    address_requests_per_second: int = Field(
        default=500,
        ge=1,
        le=1_000_000,
        description="What one address may ask without a valid key, and four seconds' worth at once: a whole organisation may stand behind one "
        "address, and it needs no more than its tokens. Counted in each process.",
    )
    connections: int = Field(
        default=800, ge=1, le=1_000_000, description="Connections that one process keeps open; below what the system gives it files for."
    )
    head_limit_bytes: int = Field(
        default=32_768,
        ge=1_024,
        le=1_048_576,
        description="A request's line and headers may be this large; real ones have about a thousand bytes.",
    )
    head_seconds: int = Field(
        default=10, ge=1, le=300, description="A request's line and headers are in after this long, or it is given up."
    )
    slow_seconds: int = Field(
        default=30, ge=1, le=3_600, description="This long a body may come, or an answer be taken, as slowly as it likes."
    )
    least_bytes_per_second: int = Field(
        default=4_096,
        ge=1,
        le=1_048_576,
        description="From then on it comes at this rate or is given up: whoever sends a byte a second would hold a connection for ever.",
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Web pages of these origins may call from a browser (CORS), as https://dashboards.example.nhs.uk, separated by commas; none by default.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks of the proxies in front, separated by commas: X-Forwarded-For and -Proto are believed of them and nobody else.",
    )
    retention_people_years: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Years after the contract's end for which contacts and names of revoked clients are kept; for ever by default. `mainstem retention`.",
    )
    retention_words_years: int | None = Field(default=None, ge=0, le=100, description="The same for notes, explanations and messages.")
    retention_files_years: int | None = Field(default=None, ge=0, le=100, description="The same for files as they were submitted.")
    retention_records_years: int | None = Field(
        default=None,
        ge=6,
        le=100,
        description="The same for contract, returns and results: at least 6, and 12 where the contract is a deed. The audit record and publications stay.",
    )
    retention_holds: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Programmes of which nothing is let go, separated by commas: an inquiry, a dispute, a settlement that is open.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/-]*)?$",
        description="The address that callers know the service by, behind whatever stands in front of it: what their signed assertions are for.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important events that are logged."
    )

    @property
    def signing_keys_folder(self) -> Path:
        return self.signing_keys or self.data / "signing-keys"

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, given: Any) -> Any:
        """Secrets that stand in files instead of the environment."""
        for name in ("database_url", "owner_database_url", "backup_database_url"):
            file = given.get(f"{name}_file")
            if file is None:
                continue
            if given.get(name) is not None:
                raise ValueError(f"{PREFIX}{name.upper()} and {PREFIX}{name.upper()}_FILE are both given: leave one out")
            try:
                given = {**given, name: Path(file).expanduser().read_text(encoding="utf-8").strip()}
            except (OSError, UnicodeDecodeError):
                raise ValueError(f"{PREFIX}{name.upper()}_FILE cannot be read") from None
        return given

    @field_validator("allowed_origins", "trusted_proxies", "retention_holds", mode="before")
    @classmethod
    def _separated(cls, given: Any) -> Any:
        return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else given

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_ORIGIN.fullmatch(origin) for origin in origins):
            raise ValueError("must be origins such as https://dashboards.example.nhs.uk, without a path; a star is none")
        return origins

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        try:
            _ = [ip_network(proxy) for proxy in proxies]
        except ValueError:
            raise ValueError("must be addresses or networks such as 10.0.0.5 or 10.0.0.0/24") from None
        return proxies

    @field_validator("data", "signing_keys")
    @classmethod
    def _absolute(cls, folder: Path | None) -> Path | None:
        return None if folder is None else folder.expanduser().absolute()

    @field_validator("database_url", "owner_database_url", "backup_database_url")
    @classmethod
    def _names_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
            raise ValueError("must be a PostgreSQL address such as postgresql://role:password@host:5432/database")
        return url

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if self.request_threads > self.pool_size:
            raise ValueError(
                f"{PREFIX}REQUEST_THREADS must not be above {PREFIX}POOL_SIZE: requests would wait for each other's connections"
            )
        if self.bodies_bytes < 2 * self.body_limit_bytes:
            raise ValueError(f"{PREFIX}BODIES_BYTES must be at least twice {PREFIX}BODY_LIMIT_BYTES: one client may hold half of it")
        if self.owner_database_url is not None and self.database_url is None:
            raise ValueError(
                f"{PREFIX}OWNER_DATABASE_URL is given without {PREFIX}DATABASE_URL: name both, or neither for the embedded PostgreSQL"
            )
        return self


def load_settings() -> Settings:
    """The settings of this process's environment, or one sentence that names every variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise CannotStart("; ".join(_sentence(fault["loc"], fault["msg"]) for fault in error.errors(include_input=False)) + ".") from None


def unknown_variables() -> list[str]:
    """Variables of the environment that look like settings and are none: most likely misspelt."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | CALLERS
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    said = message.removeprefix("Value error, ")
    return f"{PREFIX}{str(place[0]).upper()}: {said}" if place else said
