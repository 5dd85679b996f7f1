"""People and groups. The first JLD made these tables without a version: where they are, they stay as they are."""

from alembic import op
from sqlalchemy import Column, Integer, String, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "jld_people",
        Column("account", String(64), primary_key=True),
        Column("provider", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("name", String(63), nullable=False, unique=True),
        Column("uid", Integer, nullable=False, unique=True),
        if_not_exists=True,
    )
    op.create_table(
        "jld_groups",
        Column("group_key", String(64), primary_key=True),
        Column("provider", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("gid", Integer, nullable=False, unique=True),
        if_not_exists=True,
    )
