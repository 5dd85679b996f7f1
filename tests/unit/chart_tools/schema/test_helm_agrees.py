"""Helm, which reads only the schema, accepts what the tool writes and refuses what the tool refuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[4]
CACHE = Path(os.environ.get("JLD_CACHE") or Path.home() / ".cache" / "jld")
REFUSED = {
    "an unknown key": {"global": {"hostnames": "a"}},
    "no host name": {"global": {"hostname": ""}},
    "a tag that is a number": {"hub": {"image": {"tag": 1.1}}},
    "no way to log in": {"hub": {"auth": {"dummy": None}}},
    "a missing secret": {"hub": {"secret": {"cookieSecret": None}}},
    "a secret that is not base64": {"hub": {"secret": {"cookieSecret": "a b"}}},
    "a secret with a line break at its end": {"hub": {"secret": {"cookieSecret": "YWJj\n"}}},
    "two certificates": {"nginx": {"tls": {"existingSecret": "a"}}},
    "no authority of a self-signed certificate": {"nginx": {"secret": {"caCertificate": None}}},
    "an external file server without a name": {"storage": {"mode": "external"}},
    "a volume of the chart's own name": {"storage": {"volumes": {"file-server": {"mountPath": "/files"}}}},
    "a volume over the lab's own folders": {"storage": {"volumes": {"tools": {"mountPath": "/usr/local"}}}},
    "an address without a length for a network": {"nginx": {"service": {"loadBalancerSourceRanges": ["192.0.2.7"]}}},
    "a quota said twice": {"hub": {"lab": {"quota": {"labs": 26, "cpu": 104}}}},
    "a token of another Secret than the hub's": {"nginx": {"routes": {"existingSecret": "a"}}},
    "the PROXY protocol of nobody": {"nginx": {"proxyProtocol": True}},
    "a certificate twice, here and at the load balancer": {"nginx": {"tls": {"offload": True}}},
    "a controller in front of people's load balancer": {"nginx": {"controllers": [{"namespace": "traefik"}]}},
    "node ports of a Service without": {"nginx": {"service": {"type": "ClusterIP", "nodePorts": {"http": 30080}}}},
}


def helm(name: str) -> str:
    path = shutil.which(name, path=f"{CACHE / 'bin'}:{os.environ['PATH']}")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


@pytest.fixture
def bare_chart(tmp_path: Path) -> Path:
    """The chart's values and schema without its templates."""
    chart = tmp_path / "chart"
    for folder in (CHECKOUT / "chart", *(CHECKOUT / "chart" / "charts").iterdir()):
        if (folder / "values.yaml").is_file():
            copy = chart / folder.relative_to(CHECKOUT / "chart")
            copy.mkdir(parents=True)
            (copy / "Chart.yaml").write_text(f"apiVersion: v2\nname: {folder.name}\nversion: 0.1.0\n")
            shutil.copy(folder / "values.yaml", copy)
    shutil.copy(CHECKOUT / "chart" / "values.schema.json", chart)
    return chart


def render(program: str, chart: Path, *values: Path) -> subprocess.CompletedProcess[str]:
    files = [word for file in values for word in ("-f", str(file))]
    return subprocess.run([program, "template", "jld", chart, *files], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", ["helm3", "helm4"])
def test_helm_accepts_what_the_tool_writes_and_refuses_mistakes(
    program: str, bare_chart: Path, local_desk: Any
) -> None:
    program = helm(program)
    assert local_desk.run("values", "site.yaml").exit_code == 0
    good = local_desk.folder / "values.yaml"
    accepted = render(program, bare_chart, good)
    assert (accepted.returncode, accepted.stderr) == (0, "")
    for name, change in REFUSED.items():
        refused = render(program, bare_chart, good, local_desk.write("change.yaml", json.dumps(change)))
        assert "don't meet the specifications of the schema" in refused.stderr, name
