"""Folders of nodes: those that belong to the node itself, or are empty after its next start."""

from __future__ import annotations

import re

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, value_at

_HOST_PATH: KeyPath = ("storage", "hostPath", "path")
_STATE: KeyPath = ("logging", "filebeat", "stateFolder")
_OF_THE_SYSTEM = re.compile(
    r"/(bin|boot|etc|lib|lib32|lib64|sbin)(/.*)?|/usr(/(bin|lib|lib64|libexec|sbin|share)(/.*)?)?|/root|/var|/var/(lib|log)"
    r"|/var/lib/(cni|containerd|containers|docker|etcd|kubelet)(/.*)?"
)
_EMPTIED = re.compile(r"/(dev|run|tmp)(/.*)?|/var/(run|tmp)(/.*)?")


def folders_are_left_to_the_site(effective: JsonMap) -> Violations:
    chosen: list[tuple[KeyPath, str]] = []
    if value_at(effective, "storage", "mode") == "hostPath":
        chosen.append((_HOST_PATH, "people's files"))
    if value_at(effective, "logging", "enabled") is True:
        chosen.append((_STATE, "what filebeat remembers"))
    for path, content in chosen:
        folder = value_at(effective, *path)
        if not isinstance(folder, str):
            continue
        if _OF_THE_SYSTEM.fullmatch(folder):
            yield path, f"{folder} belongs to the node's own system; write a folder of its own, like /var/lib/jld"
        elif _EMPTIED.fullmatch(folder):
            sentence = f"nodes empty {folder.rstrip('/')} when they start, or earlier, and {content} with it"
            yield path, f"{sentence}; write a folder that stays, like /var/lib/jld"


RULES: tuple[Rule, ...] = ()
WARNINGS: tuple[Rule, ...] = (folders_are_left_to_the_site,)
