"""What migrating does to the weights and measures that are there."""

from sqlalchemy import text

from app.db.schema import migrate
from tests.support.databases import Database

REQUIREMENT = text("""
    INSERT INTO requirements (programme, measure, weight, judged_on, applies_to, targets, recorded_at, recorded_by)
    VALUES ('p', :measure, :weight, 'month', 'null', '[]', '2026-07-01T00:00:00Z', 'c')
""")
MEASURE = text("""
    INSERT INTO measures (programme, code, version, name, numeric_kind, aggregation, proportion, basis, split_by, breakdown, site_map, "unknown",
        recorded_at, recorded_by)
    VALUES ('p', 'M', 1, 'M', 'integer', 'ratio_sum', true, 'provider', '[]', 'null', '{}', '[]', '2026-07-01T00:00:00Z', 'c')
""")


def weights(database: Database) -> dict[str, str | None]:
    with database.superuser_engine.connect() as connection:
        rows = connection.execute(text("SELECT measure, CAST(weight AS text) AS weight FROM requirements"))
        return {row.measure: row.weight for row in rows}


def test_weights_and_measures_outlive_a_migration_there_and_back(empty_database: Database) -> None:
    migrate(empty_database.urls.owner, to="0004")
    with empty_database.superuser_engine.begin() as connection:
        connection.execute(REQUIREMENT, [{"measure": "A", "weight": "0.30"}, {"measure": "B", "weight": None}])
        connection.execute(MEASURE)
    migrate(empty_database.urls.owner, to="0005")
    assert weights(empty_database) == {"A": "0.30", "B": "null"}
    with empty_database.superuser_engine.begin() as connection:
        assert connection.execute(text("SELECT to_month, source, supersedes FROM measures")).one() == (None, None, [])
        connection.execute(text("""UPDATE requirements SET weight = '[{"contract_year": 1, "weight": 1}]' WHERE measure = 'B'"""))
    migrate(empty_database.urls.owner, to="-1")
    assert weights(empty_database) == {"A": "0.30", "B": None}
    migrate(empty_database.urls.owner, to="0005")
    assert weights(empty_database) == {"A": "0.30", "B": "null"}
