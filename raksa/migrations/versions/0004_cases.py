"""Cases of children and their steps."""

import sqlalchemy as sa
from alembic import op

from raksa.migrations import policies

revision = "0004"
down_revision = "0003"


def _place() -> list[sa.Column[object]]:
    return [
        sa.Column("learner_id", sa.BigInteger, nullable=False),
        sa.Column("school_id", sa.String(40), nullable=False),
        sa.Column("area_id", sa.String(40)),
        sa.Column("grade", sa.String(20)),
        sa.Column("room", sa.String(40)),
    ]


def upgrade() -> None:
    op.create_table(
        "care_case",
        sa.Column("id", sa.Integer, primary_key=True),
        *_place(),
        sa.Column("still", sa.BigInteger),
        sa.Column("signal", sa.String(20), nullable=False),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("due", sa.Date),
        sa.Column("letters", sa.Integer, nullable=False),
        sa.Column("checks_left", sa.Integer, nullable=False),
        sa.Column("closing", sa.String(30)),
        sa.Column("closed_on", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ix_case_learner", "care_case", ["learner_id"])
    op.create_index("ix_case_school", "care_case", ["school_id", "grade", "room", "closed_on", "due"])
    op.create_index("ix_case_area", "care_case", ["area_id", "closed_on", "due"])
    op.create_index("ux_case_open", "care_case", ["still"], unique=True)
    op.create_table(
        "care_case_step",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("case_id", sa.Integer, sa.ForeignKey("care_case.id"), nullable=False),
        *_place(),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("restricted", sa.Boolean, nullable=False),
        sa.Column("agency", sa.String(120), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("due", sa.Date),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("who_name", sa.String(200), nullable=False),
        sa.Column("written_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_case_step_case", "care_case_step", ["case_id"])
    policies.of_children("care_case")
    policies.of_children("care_case_step")
    policies.only_grows("care_case_step")
