"""Visits as they were handed in, and drafts of them."""

import sqlalchemy as sa
from alembic import op

from raksa.migrations import policies

revision = "0007"
down_revision = "0006"


def _where() -> list[sa.Column[object]]:
    return [
        sa.Column("school_id", sa.String(40), nullable=False),
        sa.Column("area_id", sa.String(40)),
        sa.Column("grade", sa.String(20)),
        sa.Column("room", sa.String(40)),
    ]


def upgrade() -> None:
    op.create_table(
        "visit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("learner_id", sa.BigInteger, nullable=False),
        *_where(),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("photos", sa.String(80), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("who_name", sa.String(200), nullable=False),
        sa.Column("written_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_visit_learner", "visit", ["learner_id", "day"])
    op.create_index("ix_visit_school", "visit", ["school_id", "day"])
    op.create_index("ix_visit_area", "visit", ["area_id", "day"])
    op.create_table(
        "visit_draft",
        sa.Column("who", sa.String(64), primary_key=True),
        sa.Column("learner_id", sa.BigInteger, primary_key=True, autoincrement=False),
        *_where(),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_visit_draft_school", "visit_draft", ["school_id"])
    policies.of_children("visit")
    policies.of_children("visit_draft")
    policies.only_grows("visit")
