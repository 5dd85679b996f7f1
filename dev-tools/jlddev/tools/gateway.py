"""The Gateway API's custom resources, out of the Go module that publishes them."""

import json
import os
from pathlib import Path

from jlddev.support.errors import MachineError
from jlddev.support.paths import DEV_TOOLS
from jlddev.support.run import output

MODULE = DEV_TOOLS / "gateway-api"
PUBLISHED = "sigs.k8s.io/gateway-api"


def custom_resources() -> list[Path]:
    """The files with a CustomResourceDefinition each, of the version that go.mod names and go.sum vouches for.

    Raises MachineError when there is no Go, or when the module cannot be had or is not what go.sum says.
    """
    said = output(["go", "-C", MODULE, "mod", "download", "-json", PUBLISHED], env=os.environ | {"GOWORK": "off"})
    download = json.loads(said)
    if f"{PUBLISHED} {download['Version']} {download['Sum']}" not in (MODULE / "go.sum").read_text().splitlines():
        raise MachineError(
            f"{PUBLISHED} {download['Version']} is not in {MODULE / 'go.sum'}: run `go mod download` there."
        )
    # Beside them lies an admission policy, which is for those who upgrade.
    return sorted(
        path
        for path in Path(download["Dir"], "config", "crd", "standard").glob("*.yaml")
        if "kind: CustomResourceDefinition" in path.read_text()
    )
