"""The cluster, through the program that operators have anyway, with their credentials."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from jld.doctor.facts import NoResponse, Object
from jld.support.key_paths import JsonMap

SECONDS = 8.0
NOT_INSTALLED = "kubectl is not installed"


class Kubectl:
    """Runs kubectl for one cluster and one namespace."""

    def __init__(self, kubeconfig: Path | None, namespace: str | None) -> None:
        cache = Path(os.environ.get("JLD_CACHE") or Path.home() / ".cache" / "jld") / "bin"
        self.program = shutil.which("kubectl") or shutil.which("kubectl", path=str(cache))
        self.options = ["--kubeconfig", str(kubeconfig)] if kubeconfig else []
        self.namespace = namespace or self._own_namespace()

    def run(self, *words: str, stdin: str = "") -> str | NoResponse:
        """What kubectl writes, or why it does not."""
        if self.program is None:
            return NoResponse(NOT_INSTALLED)
        command = [self.program, *self.options, f"--request-timeout={SECONDS - 2:.0f}s", *words]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return NoResponse(f"no answer in {SECONDS:.0f} seconds")
        except OSError as error:
            return NoResponse(f"{self.program} does not run ({error.strerror})")
        return done.stdout if done.returncode == 0 else NoResponse(_reason(done.stderr))

    def objects(self, *words: str) -> Sequence[Object] | NoResponse:
        """The objects of a list."""
        text = self.run("get", *words, "--output", "json")
        return text if isinstance(text, NoResponse) else list(json_map(text).get("items", []))

    def why_unconfigured(self) -> str:
        """Why kubectl knows no cluster; nothing where it may know one. A file that was named counts, even when it cannot be read.

        Without one it would ask this machine, and tell of a port that nobody has heard of.
        """
        context = "" if self.options else self.run("config", "current-context")
        if not isinstance(context, NoResponse):
            return ""
        return "kubectl is told of none" if "current-context is not set" in context.reason else context.reason

    def _own_namespace(self) -> str:
        """The one that Helm would install into."""
        text = self.run("config", "view", "--minify", "--output", "jsonpath={..namespace}")
        return text if isinstance(text, str) and text else "default"


def json_map(text: str) -> JsonMap:
    """What kubectl wrote as JSON. An empty map where that is no map."""
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _reason(stderr: str) -> str:
    """The last line of what kubectl complains, without its time stamps."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "kubectl gives no reason"
    return re.sub(r"^(error: |Error from server (\(\w+\): )?)", "", last)
