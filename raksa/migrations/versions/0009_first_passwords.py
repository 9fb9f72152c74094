"""Until when a first password lets in; those there were before do not run out."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("person", sa.Column("first_until", sa.DateTime))
