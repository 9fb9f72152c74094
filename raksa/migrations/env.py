"""How Alembic reaches the people database: `raksa.people` hands it the connection it holds under its lock."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()  # inside the transaction of raksa.people: all of a migration, or nothing
