"""The PEM text of `nginx.tls`, in files that it names or in the site file itself: what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jld.site.reader import MAX_BYTES
from jld.support.errors import EnvironmentUnfit
from jld.support.files import read_start
from jld.support.key_paths import JsonMap, value_at

if TYPE_CHECKING:
    from jld.secrets.certificates import Fault  # loaded where a certificate is read: most sites need none of it

NAMES = ("certificate", "key")


def is_inline(text: str) -> bool:
    """Whether a key of `nginx.tls` holds the PEM text itself, as Zero to JupyterHub's `https.manual` does."""
    return text.lstrip().startswith("-----BEGIN")


def read(folder: Path, named: str) -> bytes | str:
    """The PEM text that a key of `nginx.tls` names, as a path from `folder`, or holds itself. Else why it is not known."""
    if is_inline(named):
        return named.encode(errors="replace")
    file = folder / named
    try:
        return read_start(file, MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return f"there is no file {file}; correct the path, which is relative to the site file"
    except IsADirectoryError:
        return f"{file} is a folder; name the PEM file in it"
    except PermissionError:
        raise EnvironmentUnfit(f"{file}: cannot be read; give yourself the right to read it") from None
    except TimeoutError:
        return f"{file} is a pipe, and nobody writes to it; write the path of a PEM file"
    except OSError:
        return "this is not a path; write the path of a PEM file"


def faults(folder: Path, site: JsonMap, now: datetime) -> Iterator[Fault]:
    """What is wrong with the files of a site file in `folder`, as far as it names them yet."""
    from jld.secrets import certificates, openssl

    contents = {}
    for name in NAMES:
        named = value_at(site, "nginx", "tls", name)
        content = read(folder, named) if isinstance(named, str) and named else None
        if isinstance(content, str):
            yield certificates.Fault(name, content)
        elif content is not None:
            contents[name] = content
    if not contents:
        return
    pair = certificates.Pair(*(contents.get(name, b"") for name in NAMES))
    for fault in openssl.server_faults(pair, str(value_at(site, "global", "hostname") or ""), now):
        if fault.about in contents:
            yield fault
