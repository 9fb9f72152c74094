"""Second factor, recovery codes, tickets between the halves of a sign-in; from where and with what a sign-in came."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _person(*, primary_key: bool = False, index: bool = False) -> sa.Column[str]:
    owner = sa.ForeignKey("person.username", ondelete="CASCADE")
    return sa.Column("username", sa.String(64), owner, nullable=False, primary_key=primary_key, index=index or None)


def upgrade() -> None:
    op.create_table(
        "second_factor",
        _person(primary_key=True),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False),
        sa.Column("last_step", sa.Integer, nullable=False),
    )
    op.create_table("recovery_code", sa.Column("id", sa.String(64), primary_key=True), _person(index=True))
    op.create_table(
        "ticket",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False, index=True),
    )
    for name, length, default in (("address", 64, ""), ("browser", 80, ""), ("door", 10, "password")):
        op.add_column("session", sa.Column(name, sa.String(length), nullable=False, server_default=default))
