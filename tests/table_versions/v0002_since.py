"""A version of JLD's tables that is not there yet: the tests add it, and with it a column."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("jld_people", Column("since", Text, nullable=False, server_default="the beginning"))
