"""The hub's database: whether the image has a driver for the address, and whether its file outlives the pod."""

from __future__ import annotations

from posixpath import join, normpath

from jld.rules.rule import Violations
from jld.rules.traits import hub_image
from jld.support.key_paths import JsonMap, KeyPath, map_at, value_at

_URL: KeyPath = ("hub", "secret", "dbUrl")
_WORKING_DIRECTORY = "/srv/jupyterhub"
_POSTGRESQL = ("postgresql", "postgres")  # to which the hub adds the driver (jldhub/hub/database.py)
_REMEDY = "write a postgresql:// address, or name an image that has the driver in hub.image"
_FILE = "leave hub.db.external and dbUrl out, or write a path below the mountPath of a claim in hub.volumes"


def violations(effective: JsonMap, address: str, own_image: bool) -> Violations:
    """What the hub would refuse of the address, of which nothing but its scheme is shown: the rest is a secret."""
    scheme, _, rest = address.partition("://")
    database, _, driver = scheme.partition("+")
    drivers = hub_image.table()["drivers"]
    known = driver in drivers.get(database, ()) if driver else scheme in (*_POSTGRESQL, "sqlite")
    if not known and not own_image:
        shown = (
            scheme
            if database in (*drivers, *_POSTGRESQL, "mariadb") and (driver or database).replace("_", "").isalnum()
            else "this"
        )
        yield _URL, f"the hub's image has no driver for {shown}; {_REMEDY}"
    elif database == "sqlite":
        yield from _file_violations(effective, rest.partition("/")[2].partition("?")[0])


def _file_violations(effective: JsonMap, file: str) -> Violations:
    if file in ("", ":memory:"):
        yield _URL, f"a database in memory forgets people's user numbers; {_FILE}"
        return
    folder = normpath(join(_WORKING_DIRECTORY, file))
    for volume in map_at(effective, "hub", "volumes").values():
        above = value_at(volume, "mountPath")
        lasting = bool(value_at(volume, "persistentVolumeClaim") or value_at(volume, "csi"))
        if isinstance(above, str) and folder.startswith(f"{above.rstrip('/')}/") and lasting:
            if value_at(volume, "readOnly") is True:
                yield _URL, "SQLite's file would be in a volume that is readOnly; take readOnly away from it"
            return
    yield _URL, f"SQLite's file would be in no volume that outlives the hub's pod; {_FILE}"
