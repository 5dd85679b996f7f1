"""CustomResourceDefinitions of others, from the Go modules that publish them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePath

from jlddev.support.errors import MachineError
from jlddev.support.paths import DEV_TOOLS
from jlddev.support.run import output
from jlddev.tools import go


@dataclass(frozen=True)
class Published:
    """Where they are: `pinned` is a folder of ours with go.mod and go.sum, `folder` one of the module, with what files that are wanted end in."""

    pinned: Path
    module: str
    folder: PurePath
    ends: tuple[str, ...] = (".yaml",)


GATEWAY_API = Published(DEV_TOOLS / "gateway-api", "sigs.k8s.io/gateway-api", PurePath("config/crd/standard"))
CERT_MANAGER = Published(DEV_TOOLS / "cert-manager", "github.com/cert-manager/cert-manager", PurePath("deploy/crds"))
PROMETHEUS_OPERATOR = Published(
    DEV_TOOLS / "prometheus-operator",
    "github.com/prometheus-operator/prometheus-operator",
    PurePath("example/prometheus-operator-crd"),
    ("_podmonitors.yaml", "_prometheusrules.yaml", "_servicemonitors.yaml"),
)


def custom_resources(published: Published) -> list[Path]:
    """The files with one CustomResourceDefinition each, in the version of go.mod, verified by go.sum.

    Raises Unsupported where there is no Go to be had, and MachineError where the download fails or the checksum differs.
    """
    go.require(f"{published.module} is a Go module")
    module, pinned = published.module, published.pinned
    command: list[str | Path] = [go.program(), "-C", pinned, "mod", "download", "-json", module]
    download = json.loads(output(command, env=os.environ | {"GOWORK": "off"}))
    if f"{module} {download['Version']} {download['Sum']}" not in (pinned / "go.sum").read_text().splitlines():
        raise MachineError(
            f"{module} {download['Version']} is not in {pinned / 'go.sum'}: run `go mod download` there."
        )
    # The folder of the Gateway API also has an admission policy, which matters for upgrades only.
    return sorted(
        path
        for path in Path(download["Dir"], published.folder).glob("*.yaml")
        if path.name.endswith(published.ends) and "kind: CustomResourceDefinition" in path.read_text()
    )
