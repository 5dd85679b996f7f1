"""The route table as nginx keeps it: record by decoded path, without slashes at the end."""

from collections.abc import Mapping
from urllib.parse import quote, unquote

from jldhub.front_door.replica import Record

HUB = "/"  # the path of the hub's own route

Table = Mapping[str, Record]


def table_path(routespec: str, host_routing: bool = False) -> str:
    """The key in nginx's table for a routespec such as `/user/ad%C3%A9/`: decoded, without a slash at the end."""
    path = unquote(routespec).rstrip("/")
    return f"/{path}" if host_routing and path else path or HUB


def routespec(path: str, host_routing: bool = False) -> str:
    """The reverse of `table_path`, with JupyterHub's escaping."""
    spec = quote(path, safe="@/~").rstrip("/") + "/"
    return spec.lstrip("/") if host_routing and path != HUB else spec


def without_activity(table: Table) -> dict[str, Record]:
    """The table as it is sent: nginx adds `last_activity` to each record."""
    return {
        path: {key: value for key, value in record.items() if key != "last_activity"} for path, record in table.items()
    }


def changes(wanted: Table, present: Table) -> tuple[list[str], list[str]]:
    """The paths to put and the paths to delete, so that the table `present` becomes `wanted`."""
    existing = without_activity(present)
    put = [path for path in wanted if existing.get(path) != wanted[path]]
    return put, [path for path in present if path not in wanted]


def newest_activity(tables: list[dict[str, Record]]) -> dict[str, str]:
    """The time of the last use of each route through any replica, ISO 8601 in UTC: as text, the times sort by age."""
    newest: dict[str, str] = {}
    for table in tables:
        for path, record in table.items():
            newest[path] = max(newest.get(path, ""), record.get("last_activity", ""))
    return newest
