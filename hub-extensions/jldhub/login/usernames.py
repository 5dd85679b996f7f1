"""User names in the hub: reserved names, and alternatives for a name that another person has. Pure functions."""

from collections.abc import Iterator

# Characters: the user name is the value of a Kubernetes label, which has this limit, and part of paths.
LONGEST = 63
# System accounts of Linux distributions and of Jupyter's images. A person with such a name would be mistaken for the
# system in `ls -l`, in logs, and by programs that treat the name specially.
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
    """Nobody may have this name. The message is shown to the person who logs in."""


def require_unreserved(name: str) -> None:
    """Raises ReservedUsername for the name of a system account."""
    if name in RESERVED:
        raise ReservedUsername(
            f"Your name here would be {name}, which is the name of a system account. "
            "Ask an administrator, or change your name where you log in."
        )


def candidates(name: str, uid: int) -> Iterator[str]:
    """User names for a person, in order of preference: the login name, then with the UID as a unique suffix."""
    yield name
    yield _with_suffix(name, f"-{uid}")
    for attempt in range(2, 100):
        yield _with_suffix(name, f"-{uid}-{attempt}")


def _with_suffix(name: str, suffix: str) -> str:
    return name[: LONGEST - len(suffix)] + suffix
