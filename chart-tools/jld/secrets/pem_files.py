"""The files that `nginx.tls` names: what is in them, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jld.site.reader import MAX_BYTES
from jld.support.errors import EnvironmentUnfit
from jld.support.key_paths import JsonMap, value_at

if TYPE_CHECKING:
    from jld.secrets.certificates import Fault  # loaded where a certificate is read: most sites need none of it

NAMES = ("certificate", "key")


def read(file: Path) -> bytes | str:
    """What a file holds, or why that is not known."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES)
    except FileNotFoundError:
        return f"there is no file {file}; correct the path, which is relative to the site file"
    except IsADirectoryError:
        return f"{file} is a folder; name the PEM file in it"
    except PermissionError:
        raise EnvironmentUnfit(f"{file}: cannot be read; give yourself the right to read it") from None
    except (OSError, ValueError):
        return "this is not a path; write the path of a PEM file"


def faults(folder: Path, site: JsonMap, now: datetime) -> Iterator[Fault]:
    """What is wrong with the files of a site file in `folder`, as far as it names them yet."""
    from jld.secrets import certificates

    contents = {}
    for name in NAMES:
        named = value_at(site, "nginx", "tls", name)
        content = read(folder / named) if isinstance(named, str) and named else None
        if isinstance(content, str):
            yield certificates.Fault(name, content)
        elif content is not None:
            contents[name] = content
    if not contents:
        return
    pair = certificates.Pair(*(contents.get(name, b"") for name in NAMES))
    for fault in certificates.faults(pair, str(value_at(site, "global", "hostname") or ""), now):
        if fault.about in contents:
            yield fault
