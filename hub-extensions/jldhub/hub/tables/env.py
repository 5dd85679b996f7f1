"""What Alembic executes for each command: it hands over the connection, and the transaction, of `upgrade.py`."""

from alembic import context

context.configure(**context.config.attributes)
context.run_migrations()
