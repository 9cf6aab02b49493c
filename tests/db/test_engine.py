"""What the pool of connections promises: exact figures, bounded waits, and no dead connection handed out."""

from decimal import Decimal

import pytest
from sqlalchemy import JSON, bindparam, exc, text
from sqlalchemy.dialects.postgresql import JSONB

from app.db.engine import driver_url, make_engine
from app.settings import CannotStart
from tests.support.databases import Database


def test_json_keeps_every_digit(module_database: Database) -> None:
    said = {"figure": Decimal("2.5"), "small": Decimal("0.000001"), "large": Decimal("9999999.999999"), "count": 3, "name": "é"}
    for kind in (JSON(), JSONB()):
        statement = text("SELECT :document AS document").bindparams(bindparam("document", said, kind)).columns(document=kind)
        with module_database.engine.connect() as connection:
            found = connection.execute(statement).scalar_one()
        assert found == said
        assert all(not isinstance(value, float) for value in found.values())


def test_every_wait_is_bounded_and_moments_are_in_utc(module_database: Database) -> None:
    with module_database.engine.connect() as connection:
        shown = {name: connection.execute(text(f"SHOW {name}")).scalar_one() for name in ("statement_timeout", "lock_timeout", "timezone")}
        idle = connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
    assert (shown, idle) == ({"statement_timeout": "30s", "lock_timeout": "10s", "timezone": "UTC"}, "1min")


def test_either_end_notices_within_a_minute_or_so_that_the_others_host_is_gone(module_database: Database) -> None:
    ours = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000"}
    asked = text("SELECT name, reset_val FROM pg_settings WHERE source = 'client' AND name LIKE 'tcp%'")
    with module_database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.info.get_parameters().items() >= ours.items()
        assert {name.removeprefix("tcp_"): value for name, value in connection.execute(asked)} == {
            name.removeprefix("tcp_"): value for name, value in ours.items()
        }


def test_a_connection_that_the_server_closed_is_not_handed_out(module_database: Database) -> None:
    with module_database.engine.connect() as connection:
        process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with module_database.superuser_engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})
    with module_database.engine.connect() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != process


def test_a_full_pool_is_waited_for_in_bounded_time(module_database: Database) -> None:
    settings = module_database.settings.model_copy(update={"pool_size": 1, "pool_wait_seconds": 1})
    engine = make_engine(module_database.urls.application, settings)
    with engine.connect(), pytest.raises(exc.TimeoutError):
        engine.connect()
    engine.dispose()


def test_an_address_is_read_however_it_spells_the_scheme_and_keeps_its_options(module_database: Database) -> None:
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        assert driver_url(f"{scheme}://role:word@host/database").drivername == "postgresql+psycopg"
    with pytest.raises(CannotStart):
        driver_url("host=somewhere")
    engine = make_engine(f"{module_database.urls.application}&options=-c%20work_mem%3D5MB", module_database.settings)
    with engine.connect() as connection:
        assert (
            connection.execute(text("SELECT current_setting('work_mem') || current_setting('statement_timeout')")).scalar_one() == "5MB30s"
        )
    engine.dispose()
