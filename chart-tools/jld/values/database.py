"""The ports of a database of the site's own: a NetworkPolicy needs them, and only the secret address names them."""

from __future__ import annotations

from jld.secrets import formats
from jld.secrets.database_address import ports
from jld.secrets.formats import HUB_SECRET
from jld.site.tree import find, tree
from jld.support.key_paths import KeyPath, value_at
from jld.values.draft import Draft

PORTS: KeyPath = ("hub", "db", "ports")
_URL: KeyPath = (*HUB_SECRET, "dbUrl")


def complete_database_ports(draft: Draft) -> None:
    """Put the ports of `hub.secret.dbUrl` into `hub.db.ports`, or compare both where a site names some."""
    effective = draft.effective()
    encoded = value_at(effective, *_URL)
    if value_at(effective, "hub", "db", "external") is not True or value_at(effective, "hub", "existingSecret"):
        return
    content = formats.decode(encoded) if isinstance(encoded, str) else None
    found = ports((content or b"").decode(errors="replace"))
    if impossible := [port for port in found if not 0 < port < 65536]:
        draft.problem(_URL, f"it names port {impossible[0]}, and there is none; write one from 1 to 65535")
    elif found and find(draft.site, PORTS) is None:
        draft.put(PORTS, tree(found))
    elif found and isinstance(opened := value_at(effective, *PORTS), list):
        missing = [port for port in found if port not in opened]
        if missing:
            sentence = f"the address in hub.secret.dbUrl has port {missing[0]}, which would stay closed to the hub"
            draft.problem(PORTS, f"{sentence}; write {found}, or remove it")
