"""checkov, which looks for weaknesses in Kubernetes objects, with all that it needs in an environment of its own.

Its hundred packages have nothing to do with ours: `dev-tools/checkov/requirements.txt` pins them, made by
`uv pip compile --generate-hashes requirements.in`.
"""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from jlddev.support.lock import alone
from jlddev.support.paths import CACHE, DEV_TOOLS, PIP
from jlddev.support.run import run

REQUIREMENTS = DEV_TOOLS / "checkov" / "requirements.txt"


@alone("checkov")
def ensure() -> Path:
    """The installed program; installed when it is not."""
    place = CACHE / f"checkov-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
    if not (place / ".complete").exists():
        uv = str(PIP.with_name("uv"))
        run("make an environment for checkov", [uv, "venv", "--quiet", "--clear", str(place)], log="checkov")
        words = ["--quiet", "--require-hashes", "--python", str(place / "bin" / "python")]
        run("install checkov", [uv, "pip", "install", *words, "--requirement", str(REQUIREMENTS)], log="checkov")
        (place / ".complete").touch()
    return place / "bin" / "checkov"


def failures(folder: Path) -> set[tuple[str, str]]:
    """(check, kind.name) of everything that fails in a folder of Kubernetes objects."""
    words = ["--framework", "kubernetes", "--skip-download", "--compact", "--output", "json"]
    done = subprocess.run(
        [str(ensure()), "--directory", str(folder), *words],
        env={**os.environ, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    report: Any = json.loads(done.stdout)
    assert not report["summary"]["parsing_errors"], done.stderr  # noqa: S101 - what it did not read it did not look at
    failed = report["results"]["failed_checks"]
    return {(each["check_id"], ".".join(each["resource"].split(".")[::2])) for each in failed}
