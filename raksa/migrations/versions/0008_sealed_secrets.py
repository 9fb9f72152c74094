"""Room for a second factor's secret when it is closed (raksa.seal). What lies there in the clear is closed at the next
opening, by the program, which has the key."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("second_factor") as table:
        table.alter_column("secret", existing_type=sa.String(64), existing_nullable=False, type_=sa.String(200))
