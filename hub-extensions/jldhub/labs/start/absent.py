"""What the kubelet says of a Secret or a ConfigMap that a pod names and that is not there. Pure functions."""

import re
from collections.abc import Mapping
from typing import Any

from jldhub.labs.obstacle import Obstacle, missing
from jldhub.labs.pod import LAB_FILES

# In a container's environment and in a volume.
_NO_OBJECT = re.compile(r"\b(?P<kind>secret|configmap) \"(?P<name>[^\"]{1,253})\" not found", re.IGNORECASE)
_NO_KEY = re.compile(
    r"couldn't find key (?P<key>\S{1,253}) in (?P<kind>secret|configmap) \S{1,63}/(?P<name>[a-z0-9.-]{1,253})"
    r"|references non-existent (?P<volume>secret|config) key: (?P<file>[^\s,]{1,253})",
    re.IGNORECASE,
)
_KINDS = {"secret": "Secret", "configmap": "ConfigMap", "config": "ConfigMap"}


def absent(message: str, detail: str) -> Obstacle | None:
    """The obstacle of a Secret or ConfigMap, or a key of one, which the kubelet did not find."""
    if found := _NO_KEY.search(message):
        kind = _KINDS[(found["kind"] or found["volume"]).lower()]
        return missing(kind, found["name"] or "", found["key"] or found["file"], detail)
    if found := _NO_OBJECT.search(message):
        return missing(_KINDS[found["kind"].lower()], found["name"], detail=detail)
    return None


def own_secret(pod: Mapping[str, Any]) -> str:
    """The name of the lab's own Secret, which the hub writes when its pod is there."""
    volumes = (pod.get("spec") or {}).get("volumes") or []
    named = [(volume.get("secret") or {}).get("secretName") for volume in volumes if volume.get("name") == LAB_FILES]
    return str(named[0]) if named else ""
