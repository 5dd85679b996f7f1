"""Names that people have in the hub: which are refused, and what somebody gets whose name another person has. No database here."""

from collections.abc import Iterator

# What hub and proxy, and Kubernetes with a suffix of its own, take for a name.
LONGEST = 63
# Accounts of operating systems and of Jupyter's images. Somebody with such a name would be taken for the machine itself,
# in `ls -l`, in logs, and in programs that treat the name in a special way.
RESERVED = frozenset(
    [
        "_apt",
        "adm",
        "administrator",
        "backup",
        "bin",
        "daemon",
        "dbus",
        "ftp",
        "games",
        "gnats",
        "halt",
        "irc",
        "jovyan",
        "jupyter",
        "jupyterhub",
        "list",
        "lp",
        "mail",
        "man",
        "messagebus",
        "news",
        "nfsnobody",
        "nobody",
        "nogroup",
        "operator",
        "polkitd",
        "postgres",
        "proxy",
        "root",
        "shutdown",
        "sshd",
        "sudo",
        "sync",
        "sys",
        "systemd-network",
        "systemd-resolve",
        "systemd-timesync",
        "tty",
        "uucp",
        "uuidd",
        "wheel",
        "www-data",
    ]
)


class ReservedUsername(Exception):
    """Nobody may have this name. The sentence is for the person who logs in."""


def require_unreserved(name: str) -> None:
    if name in RESERVED:
        raise ReservedUsername(
            f"Your name here would be {name}, which is the name of a system account. "
            "Ask an administrator, or change your name where you log in."
        )


def candidates(name: str, number: int) -> Iterator[str]:
    """The names that a person may get, the first free one counts: their own, then with the number that only they have."""
    yield name
    yield _ending(name, f"-{number}")
    for again in range(2, 100):
        yield _ending(name, f"-{number}-{again}")


def _ending(name: str, end: str) -> str:
    return name[: LONGEST - len(end)] + end
