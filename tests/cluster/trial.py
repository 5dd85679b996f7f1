"""What `make up` installed, and the labs that people have in it: it must not notice that tests run in the same cluster."""

import json
from pathlib import Path

from jlddev import up
from jlddev.support.paths import BIN
from jlddev.support.run import output

Pods = dict[str, list[str]]  # by name: what is another one when a pod was replaced or a container started again


def pods(kubeconfig: Path) -> Pods:
    """Those that run; none where there is no trial."""
    command = [BIN / "kubectl", "--kubeconfig", kubeconfig, "--namespace", up.NAMESPACE, "get", "pods"]
    selector = f"--selector=app.kubernetes.io/instance={up.RELEASE}"
    found = json.loads(output([*command, selector, "--field-selector=status.phase=Running", "--output=json"]))
    return {
        pod["metadata"]["name"]: [
            pod["metadata"]["uid"],
            *(
                f"{each['name']}: {each['ready']}, {each['restartCount']}"
                for each in pod["status"]["containerStatuses"]
            ),
        ]
        for pod in found["items"]
    }


def lost(before: Pods, now: Pods) -> list[str]:
    """Those that are gone, replaced, not ready or started again."""
    return sorted(name for name, state in before.items() if now.get(name) != state)
