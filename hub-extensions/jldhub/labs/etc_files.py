"""The text of `/etc/passwd`, `/etc/group` and `/etc/gitconfig` in a lab. Pure functions."""

import re

from jldhub.identity import Identity

_SYSTEM_USERS = (
    "root:x:0:0:root:/root:/usr/sbin/nologin",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
)
_SYSTEM_GROUPS = ("root:x:0:", "nogroup:x:65534:")
_SYSTEM_NAMES = frozenset(line.partition(":")[0] for line in (*_SYSTEM_USERS, *_SYSTEM_GROUPS))
_LONGEST = 32  # characters of a user or group name, as in useradd(8)


def passwd_file(identity: Identity, username: str, home: str) -> str:
    """The text of `/etc/passwd`: root, nobody, and the person with the home directory `home`."""
    name = unix_name(username, identity.uid)
    # Without colons and commas, which separate fields.
    gecos = re.sub(r"[^\w .'-]", "", identity.name)[:100]
    person = f"{name}:x:{identity.uid}:{identity.gid}:{gecos}:{home}:/bin/bash"
    return "".join(f"{line}\n" for line in (*_SYSTEM_USERS, person))


def group_file(identity: Identity, username: str) -> str:
    """The text of `/etc/group`: the primary group, named as the user, and the supplementary groups."""
    person = unix_name(username, identity.uid)
    lines = [*_SYSTEM_GROUPS, f"{person}:x:{identity.gid}:"]
    taken = {person}
    for group in identity.groups:
        if group.gid == identity.gid:
            continue
        name = unix_name(group.name, group.gid)
        if name in taken:
            name = _with_id(name, group.gid)
        taken.add(name)
        lines.append(f"{name}:x:{group.gid}:{person}")
    return "".join(f"{line}\n" for line in lines)


def gitconfig_file(identity: Identity, address: str = "", credential: str = "") -> str:
    """The text of `/etc/gitconfig`: the author of commits, and the credential file for one address.

    `credential` is the path of that file. Git reads `~/.gitconfig` after this file, so that it wins.
    """
    author = {"name": identity.name, "email": identity.email}
    user = [f'\t{key} = "{_quoted(value)}"' for key, value in author.items() if value.strip()]
    sections = {"[user]": user}
    if address and credential:
        # The helper implements `get` only: `store` and `erase` do not apply, because the file is read-only.
        helper = f'!f() {{ test "$1" != get || cat {credential}; }}; f'
        sections[f'[credential "{_quoted(address)}"]'] = [f'\thelper = "{_escaped(helper)}"']
    return "".join(f"{line}\n" for head, lines in sections.items() if lines for line in (head, *lines))


def _quoted(value: str) -> str:
    """A value for git's double quotes: printable characters only, at most 200 of them before escaping."""
    return _escaped("".join(character for character in value if character.isprintable())[:200])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def unix_name(name: str, posix_id: int) -> str:
    """A valid user or group name: lower case, at most 32 characters, none of the system's.

    `posix_id` is the UID or GID. Deterministic, so that a person's name is the same in each lab.
    """
    plain = re.sub(r"[^a-z0-9_-]", "_", name.lower())
    if not re.match(r"[a-z_]", plain):
        plain = f"_{plain}"
    return plain if len(plain) <= _LONGEST and plain not in _SYSTEM_NAMES else _with_id(plain, posix_id)


def _with_id(name: str, posix_id: int) -> str:
    """The name with its UID or GID as a suffix, which makes it unique."""
    return f"{name[: _LONGEST - len(str(posix_id)) - 1]}-{posix_id}"
