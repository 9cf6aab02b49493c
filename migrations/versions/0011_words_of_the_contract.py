"""Columns that hold one of some words say which: the same that the lines of the contract know."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WORDS = {
    "collections": {"every": "month quarter half_year year", "sign_off": "none optional required"},
    "measures": {
        "kind": "data_quality service_standard outcome experience activity",
        "direction": "higher lower neutral",
        "numeric_kind": "integer half_unit decimal",
        "aggregation": "ratio_sum count_sum stock_last mean_weighted banded distinct_risk import_only",
        "basis": "provider commissioner",
        "statistic": "median p90",
        "ambition": "individual fair_access comfort_and_wellbeing coordinated_care prepared_staff prepared_communities",
    },
    "organisations": {
        "kind": "acute_trust community_trust mental_health_trust hospice independent_provider charity primary_care icb"
        " sub_icb_location ccg council other"
    },
    "phases": {"payment": "off shadow live"},
    "requirements": {"judged_on": "month quarter year_to_date contract_year_to_date rolling_12"},
    "subcontracts": {"sector": "acute community hospice primary_care mental_health voluntary independent"},
}


def upgrade() -> None:
    for table, columns in WORDS.items():
        lists = {column: ", ".join(f"'{word}'" for word in words.split()) for column, words in columns.items()}
        added = (f"ADD CONSTRAINT {table}_{column} CHECK ({column} IN ({words}))" for column, words in lists.items())
        op.execute(f"ALTER TABLE {table} {', '.join(added)}")


def downgrade() -> None:
    for table, columns in WORDS.items():
        op.execute(f"ALTER TABLE {table} {', '.join(f'DROP CONSTRAINT {table}_{column}' for column in columns)}")
