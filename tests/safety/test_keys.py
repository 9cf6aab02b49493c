"""No unique key and no foreign key tells of another's row."""

from sqlalchemy import Connection

from tests.safety.keys import TELLS_NOTHING, keys_of, telling
from tests.support.databases import Database


def told_by(connection: Connection) -> dict[str, str]:
    return {key.name: found for key in keys_of(connection) if (found := telling(key)) is not None}


def test_each_key_keeps_owners_apart_or_has_a_reason(module_database: Database) -> None:
    with module_database.superuser_engine.connect() as connection:
        assert len(list(keys_of(connection))) > 80
        told = told_by(connection)
    assert not [found for name, found in told.items() if name not in TELLS_NOTHING]
    assert TELLS_NOTHING.keys() - told.keys() == set(), "a reason that nothing needs any more is taken back"


def test_a_key_that_would_tell_is_noticed(module_database: Database) -> None:
    with module_database.superuser_engine.connect() as connection:
        connection.exec_driver_sql("CREATE UNIQUE INDEX planted ON returns (programme, month) WHERE closed_at IS NULL")
        connection.exec_driver_sql("CREATE UNIQUE INDEX beside ON settlements (programme, run)")
        connection.exec_driver_sql(
            "ALTER TABLE row_queries ADD CONSTRAINT reference FOREIGN KEY (programme, sequence) REFERENCES publications"
        )
        told = told_by(connection)
    assert told["planted"].endswith("tells a subcontract of {'programme': 'p', 'subcontract': 's2'}")
    assert "reference" in told
    assert "beside" not in told
