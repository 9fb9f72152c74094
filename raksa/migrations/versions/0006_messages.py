"""Where accounts are written to."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    owner = sa.ForeignKey("person.username", ondelete="CASCADE")
    op.create_table(
        "mail_address",
        sa.Column("username", sa.String(64), owner, primary_key=True),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("weekly", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
    )
