"""JLD's own tables in the hub's database, version by version, with Alembic."""
