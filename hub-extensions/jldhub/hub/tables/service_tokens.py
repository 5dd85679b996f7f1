"""The API tokens of services in JupyterHub's own table: none is valid for longer than the settings have it."""

from sqlalchemy import column, create_engine, delete, inspect, table
from sqlalchemy.engine import URL

_TOKENS = table("api_tokens", column("service_id"), column("note"))
_OF_SETTINGS = "from config"  # JupyterHub's note


def forget_service_tokens(url: URL) -> None:
    """Delete the tokens that came from settings: JupyterHub adds those of now when it starts, and keeps a former one for ever."""
    engine = create_engine(url)
    try:
        if inspect(engine).has_table(_TOKENS.name):
            with engine.begin() as connection:
                of_services = _TOKENS.c.service_id.is_not(None) & (_TOKENS.c.note == _OF_SETTINGS)
                connection.execute(delete(_TOKENS).where(of_services))
    finally:
        engine.dispose()
