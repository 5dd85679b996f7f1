"""Files of a lab's `/etc` that say who the person is: what `id`, `whoami`, ssh and git call them and their groups."""

import re

from jldhub.identity import Identity

_SYSTEM_USERS = (
    "root:x:0:0:root:/root:/usr/sbin/nologin",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
)
_SYSTEM_GROUPS = ("root:x:0:", "nogroup:x:65534:")
_TAKEN = frozenset(line.partition(":")[0] for line in (*_SYSTEM_USERS, *_SYSTEM_GROUPS))
_LONGEST = 32  # what tools of Linux take for a name


def passwd_file(identity: Identity, username: str, home: str) -> str:
    """The text of `/etc/passwd`: root, nobody, and the person."""
    name = unix_name(username, identity.uid)
    # Whatever separates fields is nothing that a name needs.
    gecos = re.sub(r"[^\w .'-]", "", identity.name)[:100]
    person = f"{name}:x:{identity.uid}:{identity.gid}:{gecos}:{home}:/bin/bash"
    return "".join(f"{line}\n" for line in (*_SYSTEM_USERS, person))


def group_file(identity: Identity, username: str) -> str:
    """The text of `/etc/group`: the person's own group, called as the person, and the organizations."""
    person = unix_name(username, identity.uid)
    lines = [*_SYSTEM_GROUPS, f"{person}:x:{identity.gid}:"]
    taken = {person}
    for each in identity.groups:
        if each.gid == identity.gid:
            continue
        name = unix_name(each.name, each.gid)
        if name in taken:
            name = _numbered(name, each.gid)
        taken.add(name)
        lines.append(f"{name}:x:{each.gid}:{person}")
    return "".join(f"{line}\n" for line in lines)


def gitconfig_file(identity: Identity, address: str = "", credential: str = "") -> str:
    """The text of `/etc/gitconfig`: whose commits are made here, and which file holds the credential for one address.

    The person's own `~/.gitconfig` wins.
    """
    known = {"name": identity.name, "email": identity.email}
    person = [f'\t{key} = "{_quoted(value)}"' for key, value in known.items() if value.strip()]
    sections = {"[user]": person}
    if address and credential:
        # git asks with `get`; what it would have kept or forgotten is nothing that a file of the hub's follows.
        helper = f'!f() {{ test "$1" != get || cat {credential}; }}; f'
        sections[f'[credential "{_quoted(address)}"]'] = [f'\thelper = "{_escaped(helper)}"']
    return "".join(f"{line}\n" for head, lines in sections.items() if lines for line in (head, *lines))


def _quoted(value: str) -> str:
    """For git's double quotes, without what a line cannot hold."""
    return _escaped("".join(character for character in value if character.isprintable())[:200])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def unix_name(name: str, number: int) -> str:
    """A name that Linux takes: lower case, at most 32 characters, never one of the system's. The same input gives the same name."""
    plain = re.sub(r"[^a-z0-9_-]", "_", name.lower())
    if not re.match(r"[a-z_]", plain):
        plain = f"_{plain}"
    return plain if len(plain) <= _LONGEST and plain not in _TAKEN else _numbered(plain, number)


def _numbered(name: str, number: int) -> str:
    """Unique, for the number is."""
    return f"{name[: _LONGEST - len(str(number)) - 1]}-{number}"
