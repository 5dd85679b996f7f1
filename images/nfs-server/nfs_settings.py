"""The settings of the NFS server, parsed and validated."""

import ipaddress
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LARGEST_FILE = 64 * 1024
MOST_EXPORTS = 32
LONGEST_LEASE = 180  # seconds, the maximum that Ganesha accepts
LONGEST_GRACE = 270  # seconds, likewise
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MODE = re.compile(r"[0-7]{4}")
SQUASH = ("none", "root")


class Refused(Exception):
    """The server cannot start. The message names the place, the cause and the remedy."""


@dataclass(frozen=True)
class Export:
    """One tree that clients may mount."""

    name: str
    mode: int  # of the folder, when it is created
    read_only: bool
    squash: str  # one of SQUASH

    @property
    def export_id(self) -> int:
        """Ganesha's Export_Id. File handles contain it, so it depends on the name only and not on other exports."""
        return zlib.crc32(self.name.encode()) % 65_534 + 1


@dataclass(frozen=True)
class Settings:
    """The whole settings file."""

    exports: tuple[Export, ...]
    clients: tuple[str, ...]  # networks that may mount; empty means everybody
    grace_period: int  # seconds
    lease_lifetime: int  # seconds


def read_settings(path: Path) -> Settings:
    """The settings in a YAML file. Raises Refused."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}; mount the settings there") from error
    if len(text) > LARGEST_FILE:
        raise Refused(f"{path}: {len(text)} bytes are no settings of an NFS server; at most {LARGEST_FILE} are read")
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise Refused(f"{path}:{where} is not YAML; correct it") from error
    return parse_settings(document)


def parse_settings(document: object) -> Settings:
    """Settings from a parsed YAML document. Raises Refused."""
    top = mapping("the file", document, required=("exports", "clients", "gracePeriod", "leaseLifetime"))
    exports = mapping("exports", top["exports"])
    if not 1 <= len(exports) <= MOST_EXPORTS:
        raise Refused(f"exports: {len(exports)} trees; name 1 to {MOST_EXPORTS}")
    settings = Settings(
        exports=tuple(parse_export(name, each) for name, each in exports.items()),
        clients=parse_clients(top["clients"]),
        grace_period=seconds("gracePeriod", top["gracePeriod"], LONGEST_GRACE),
        lease_lifetime=seconds("leaseLifetime", top["leaseLifetime"], LONGEST_LEASE),
    )
    if settings.grace_period < settings.lease_lifetime:
        raise Refused(
            f"gracePeriod: {settings.grace_period} is shorter than leaseLifetime {settings.lease_lifetime}, so idle clients "
            "would lose their locks when the server restarts; give it at least the same"
        )
    by_id: dict[int, str] = {}
    for export in settings.exports:
        other = by_id.setdefault(export.export_id, export.name)
        if other != export.name:
            raise Refused(f"exports.{export.name}: has the same number as '{other}'; choose another name")
    return settings


def parse_export(name: object, document: object) -> Export:
    """One export from its name and keys. Raises Refused."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Refused(f"exports: {shown(name)} is not a name; use a-z, 0-9 and '-', at most 63 characters")
    keys = mapping(f"exports.{name}", document, required=("mode", "readOnly"), optional=("squash",))
    mode, read_only, squash = keys["mode"], keys["readOnly"], keys.get("squash", "none")
    if not isinstance(mode, str) or not MODE.fullmatch(mode):
        raise Refused(
            f"exports.{name}.mode: {shown(mode)} is not a mode; write four octal digits in quotes, like '0755'"
        )
    if not isinstance(read_only, bool):
        raise Refused(f"exports.{name}.readOnly: {shown(read_only)} is not true or false; write one of them")
    if not isinstance(squash, str) or squash not in SQUASH:
        raise Refused(f"exports.{name}.squash: {shown(squash)} is not known; write one of {', '.join(SQUASH)}")
    return Export(name, int(mode, 8), read_only, squash)


def parse_clients(document: object) -> tuple[str, ...]:
    """The networks that may mount, in CIDR notation, which Ganesha reads. Raises Refused."""
    if not isinstance(document, list):
        raise Refused(
            f"clients: {shown(document)} is not a list; write networks like [10.0.0.0/8], or [] for everybody"
        )
    networks = []
    for index, network in enumerate(document):
        try:
            if not isinstance(network, str):
                raise ValueError
            networks.append(str(ipaddress.ip_network(network)))
        except ValueError as error:
            raise Refused(
                f"clients[{index}]: {shown(network)} is not a network; write an address and a prefix without host bits, like 10.0.0.0/8"
            ) from error
    return tuple(networks)


def mapping(
    place: str, document: object, required: tuple[str, ...] = (), optional: tuple[str, ...] | None = None
) -> Mapping[Any, Any]:
    """`document` as a mapping with the required keys. Where keys are given, no others are allowed. Raises Refused."""
    if not isinstance(document, dict):
        raise Refused(f"{place}: {shown(document)} is not a mapping; write keys with values")
    known = (*required, *(optional or ()))
    for key in document:
        if known and key not in known:
            raise Refused(f"{place}: the key {shown(key)} is not known; write {', '.join(known)}")
    for key in required:
        if key not in document:
            raise Refused(f"{place}: the key '{key}' is missing; add it")
    return document


def seconds(place: str, document: object, most: int) -> int:
    """An integer from 1 to `most`. Raises Refused."""
    if not isinstance(document, int) or isinstance(document, bool) or not 1 <= document <= most:
        raise Refused(f"{place}: {shown(document)} is not a number of seconds; write 1 to {most}")
    return document


def shown(value: object) -> str:
    """A value for a message, about 60 characters at most."""
    if isinstance(value, list | dict | set | tuple):
        return f"a {type(value).__name__}"
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**20 else "a huge number"
    return text if len(text) <= 60 else f"{text[:60]}..."
