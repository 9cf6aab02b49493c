"""What migrations say again and again: row-level security and grants."""

from alembic import op

PROGRAMME = "(SELECT nullif(current_setting('mainstem.programme', true), ''))"
SUBCONTRACT = "(SELECT nullif(current_setting('mainstem.subcontract', true), ''))"
INHERITED = "((SELECT string_to_array(nullif(current_setting('mainstem.inherited_subcontracts', true), ''), ','))::text[])"
COMMISSIONER = "(SELECT nullif(current_setting('mainstem.commissioner', true), ''))"
INHERITED_COMMISSIONERS = "((SELECT string_to_array(nullif(current_setting('mainstem.inherited_commissioners', true), ''), ','))::text[])"
CLIENT = "(SELECT nullif(current_setting('mainstem.client', true), ''))"

OF_PROGRAMME = f"programme = {PROGRAMME}"
WHOLE_PROGRAMME = f"{OF_PROGRAMME} AND {SUBCONTRACT} = '*'"


def of_subcontract(column: str) -> str:
    """Rows of the tenant's programme that belong to its subcontract, or all of them for whoever sees every one."""
    return f"{OF_PROGRAMME} AND {SUBCONTRACT} IN ({column}, '*')"


def inherited(*columns: str) -> str:
    """Rows of the tenant's programme that belong to a subcontract whose organisation its own has succeeded: for policies of SELECT only."""
    return f"{OF_PROGRAMME} AND ({' OR '.join(f'{column} = ANY {INHERITED}' for column in columns)})"


def of_audience(kind: str, code: str) -> str:
    """Rows made for readers: all of them for whoever sees the whole programme, a party's own and what it inherited, and the public's."""
    subcontract = f"{kind} = 'subcontract' AND ({code} = {SUBCONTRACT} OR {code} = ANY {INHERITED})"
    commissioner = f"{kind} = 'commissioner' AND ({code} = {COMMISSIONER} OR {code} = ANY {INHERITED_COMMISSIONERS})"
    return f"{OF_PROGRAMME} AND ({SUBCONTRACT} = '*' OR ({subcontract}) OR ({commissioner}) OR {kind} = 'public')"


def wall(table: str, *, using: str, check: str) -> None:
    """Row-level security, forced upon the owner too: which rows are seen, and which may be written."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {table}_wall ON {table} USING ({using}) WITH CHECK ({check})")


def grant(table: str, *rights: str) -> None:
    """What the application's role may do with a table; the backup role reads."""
    op.execute(f"GRANT {', '.join(rights)} ON {table} TO mainstem_application")
    op.execute(f"GRANT SELECT ON {table} TO mainstem_backup")


def grant_facts(table: str) -> None:
    """Facts are added and closed, never changed: the grant says so too."""
    grant(table, "SELECT", "INSERT", "UPDATE (closed_at, closed_by)")
