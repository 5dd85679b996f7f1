"""What the address of a database, which is a secret, says of its ports, which are none."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

# Where a database listens whose address names no port, by the first word of SQLAlchemy's scheme.
_USUAL = {
    **{"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mariadb": 3306},
    **{"cockroachdb": 26257, "mssql": 1433, "oracle": 1521},
}
_PORT = re.compile(r":([0-9]+)\Z")


def ports(address: str) -> list[int]:
    """The ports at which the servers of a SQLAlchemy address listen; none of a file, and of what is no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return []
    usual = _USUAL.get(parts.scheme.partition("+")[0].lower())
    query = parse_qs(parts.query)
    # As libpq has it, hosts and ports may stand behind the question mark, and be several.
    hosts = [host for text in (parts.netloc.rpartition("@")[2], *query.get("host", ())) for host in text.split(",")]
    if not any(hosts) or all(host.startswith("/") for host in hosts if host):
        return []
    named = [found[1] for host in hosts if (found := _PORT.search(host))]
    named += [port for text in query.get("port", ()) for port in text.split(",") if port.isdecimal()]
    return list(dict.fromkeys(map(int, named))) or ([usual] if usual else [])
