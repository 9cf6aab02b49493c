"""Every environment variable, typed, with its reason."""

import os
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "MAINSTEM_"
CALLERS: Final = frozenset({"MAINSTEM_URL", "MAINSTEM_KEY"})
"""Not settings of the service: where it is and who is calling, for `mainstem returns` and `mainstem receipt`."""


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
    backfill_limit_bytes: int = Field(
        default=536_870_912,
        ge=1_024,
        le=17_179_869_184,
        description="A backfill's body may be this large; it is laid down on disk, not held in memory.",
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

    @field_validator("data", "signing_keys")
    @classmethod
    def _absolute(cls, folder: Path | None) -> Path | None:
        return None if folder is None else folder.expanduser().absolute()

    @field_validator("database_url", "owner_database_url")
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
