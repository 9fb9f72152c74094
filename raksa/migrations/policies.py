"""What migrations say of tables that hold rows of children, or that only grow, on both engines."""

from __future__ import annotations

from alembic import op

# Evaluated once a query, not once a row: the sub-selects do not depend on the row.
_ROLE = "(SELECT current_setting('raksa.role', true))"
_SCOPES = "(SELECT string_to_array(current_setting('raksa.scopes', true), E'\\n'))"
_LEARNER = "(SELECT nullif(current_setting('raksa.learner', true), '')::bigint)"
_MAY = f"""
    {_ROLE} = 'operator'
    OR {_ROLE} = 'teacher'
        AND 'class:' || school_id || '|' || coalesce(grade, '') || '|' || coalesce(room, '') = ANY ({_SCOPES}::text[])
    OR {_ROLE} = 'school' AND 'school:' || school_id = ANY ({_SCOPES}::text[])
    OR {_ROLE} IN ('area', 'counts') AND 'area:' || area_id = ANY ({_SCOPES}::text[])
    OR {_ROLE} = 'counts' AND 'area:*' = ANY ({_SCOPES}::text[])
    OR learner_id = {_LEARNER}
"""


def of_children(table: str) -> None:
    """Rows of children: on PostgreSQL only those of the person asking can be read or written (`raksa.people.scoped`),
    by the owner of the table too."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {table}_scope ON {table} USING ({_MAY})")


def only_grows(table: str) -> None:
    """Rows are added, never changed or deleted."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION only_grows()"
        )
        # TRUNCATE asks no trigger of a row.
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION only_grows()")
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are only ever added'); END"
        )
