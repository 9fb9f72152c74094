"""What teachers say of children beside the model's list."""

import sqlalchemy as sa
from alembic import op

from raksa.migrations import policies

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "opinion",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("learner_id", sa.BigInteger, nullable=False),
        sa.Column("school_id", sa.String(40), nullable=False),
        sa.Column("area_id", sa.String(40)),
        sa.Column("grade", sa.String(20)),
        sa.Column("room", sa.String(40)),
        sa.Column("held", sa.String(90)),
        sa.Column("run", sa.String(80), nullable=False),
        sa.Column("says", sa.String(10), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("who_name", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("withdrawn_at", sa.DateTime),
    )
    op.create_index("ix_opinion_learner", "opinion", ["learner_id"])
    op.create_index("ix_opinion_school", "opinion", ["school_id", "grade", "room"])
    op.create_index("ix_opinion_area", "opinion", ["area_id"])
    op.create_index("ux_opinion_held", "opinion", ["held"], unique=True)
    policies.of_children("opinion")
