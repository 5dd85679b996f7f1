"""Names of home directories that KubeSpawner makes of user names, in its two schemes: `safe`, of today, and `escape`, of before.

KubeSpawner itself would bring a Kubernetes client into the pod. A test compares these functions with its own.
"""

import os
import re
from collections.abc import Sequence
from hashlib import sha256

LONGEST = 48
_PLAIN = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_HASH = 8


def slug(name: str) -> str:
    """The name in the scheme `safe`, which is also that of a home in JLD."""
    if len(name) <= LONGEST and "--" not in name and _PLAIN.fullmatch(name):
        return name
    longest = LONGEST - _HASH - len("---")
    safe = re.sub("[^a-z0-9]+", "-", name.lower()).lstrip("-")[:longest].rstrip("-")
    if safe and not safe[0].isalpha():
        safe = f"x-{safe[: longest - 2]}"
    return f"{safe or 'x'}---{sha256(name.encode()).hexdigest()[:_HASH]}"


def escaped(name: str) -> str:
    """The name in the scheme `escape`."""
    return re.sub("[^a-z0-9]", lambda found: "".join(f"-{byte:x}" for byte in found[0].encode()), name)


def unescaped(folder: str) -> str | None:
    """The user whose home has this name in the scheme `escape`, where that is not the name itself."""
    found = re.sub(b"-([0-9a-f]{2})", lambda each: bytes([int(each[1], 16)]), os.fsencode(folder))
    try:
        name = found.decode()
    except UnicodeDecodeError:
        return None
    return name if name != folder and escaped(name) == folder else None


def old_names(name: str) -> Sequence[str]:
    """How the old home of the user `name` may be called: in both schemes, and as it is, which also names a folder itself."""
    return [each for each in dict.fromkeys([slug(name), escaped(name), name]) if _is_a_name(each)]


def _is_a_name(text: str) -> bool:
    return text not in ("", ".", "..") and "/" not in text and "\0" not in text
