"""What was done for a child, and the thresholds and capacities of schools.

On PostgreSQL the rows of children are behind row-level security: a second lock beside the WHERE of raksa.access, which
knows nobody until `raksa.people.scoped` has said within the transaction who is asking.
"""

import sqlalchemy as sa
from alembic import op

from raksa.migrations import policies

revision = "0002"
down_revision = "0001"


def _place() -> list[sa.Column[object]]:
    return [
        sa.Column("learner_id", sa.BigInteger, nullable=False),
        sa.Column("school_id", sa.String(40), nullable=False),
        sa.Column("area_id", sa.String(40)),
        sa.Column("grade", sa.String(20)),
        sa.Column("room", sa.String(40)),
    ]


def _said() -> list[sa.Column[object]]:
    return [
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("restricted", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.DateTime),
        sa.Column("changed_by", sa.String(64)),
    ]


def upgrade() -> None:
    op.create_table(
        "contact",
        sa.Column("id", sa.Integer, primary_key=True),
        *_place(),
        *_said(),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("who_name", sa.String(200), nullable=False),
        sa.Column("written_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_contact_learner", "contact", ["learner_id", "day"])
    op.create_index("ix_contact_school", "contact", ["school_id", "grade", "room", "learner_id", "day", "area_id"])
    op.create_index("ix_contact_area", "contact", ["area_id", "learner_id", "day", "school_id"])
    op.create_table(
        "contact_version",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("contact_id", sa.Integer, sa.ForeignKey("contact.id"), nullable=False),
        *_place(),
        *_said(),
        sa.UniqueConstraint("contact_id", "version", name="uq_contact_version"),
    )
    op.create_table(
        "school_setting",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("school_id", sa.String(40), nullable=False, index=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    for table in ("contact", "contact_version"):
        policies.of_children(table)
    for table in ("contact_version", "school_setting"):
        policies.only_grows(table)
    if op.get_context().dialect.name == "postgresql":  # the log of 0001, by the door it did not know
        op.execute("CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit EXECUTE FUNCTION only_grows()")
