"""The CustomResourceDefinitions of the Gateway API, from the Go module that publishes them."""

import json
import os
from pathlib import Path

from jlddev.support.errors import MachineError
from jlddev.support.paths import DEV_TOOLS
from jlddev.support.run import output

MODULE = DEV_TOOLS / "gateway-api"
PUBLISHED = "sigs.k8s.io/gateway-api"


def custom_resources() -> list[Path]:
    """The files with one CustomResourceDefinition each, in the version of go.mod, verified by go.sum.

    Raises MachineError where Go is missing, the download fails, or the checksum differs.
    """
    command: list[str | Path] = ["go", "-C", MODULE, "mod", "download", "-json", PUBLISHED]
    download = json.loads(output(command, env=os.environ | {"GOWORK": "off"}))
    if f"{PUBLISHED} {download['Version']} {download['Sum']}" not in (MODULE / "go.sum").read_text().splitlines():
        raise MachineError(
            f"{PUBLISHED} {download['Version']} is not in {MODULE / 'go.sum'}: run `go mod download` there."
        )
    # The folder also has an admission policy, which matters for upgrades only.
    return sorted(
        path
        for path in Path(download["Dir"], "config", "crd", "standard").glob("*.yaml")
        if "kind: CustomResourceDefinition" in path.read_text()
    )
