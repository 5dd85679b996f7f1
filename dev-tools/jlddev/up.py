"""`make up` and `make down`: JLD on a cluster, from nothing to a URL."""

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from jlddev.clusters import providers
from jlddev.images import build
from jlddev.support.errors import MachineError
from jlddev.support.paths import BIN, CHECKOUT, LOCAL
from jlddev.support.run import output, run, say

RELEASE = "jld"
NAMESPACE = "jld"
VALUES = CHECKOUT / "values.yaml"
JLD = CHECKOUT / ".venv" / "bin" / "jld"
CERTIFICATE = LOCAL / "ca.crt"


def up(site: Path, nodes: int = 1, wait: str = "10m") -> None:
    """Cluster, images, values, `helm upgrade --install --wait`, then how to reach it."""
    provider = providers.choose()
    say(f"cluster: {provider.what}")
    provider.check(providers.FRONT_DOOR, nodes)
    check_site(site)
    kubeconfig = provider.up(nodes)
    sites = [site]
    if provider.name != "given":
        built = build.chart_images()
        provider.load(build.build(built), built)
        sites.append(build.write_overlay(built))
    make_values(sites)
    install(kubeconfig, wait)
    provider.front_door(providers.FRONT_DOOR)
    print(how_to_reach(yaml.safe_load(VALUES.read_text()), kubeconfig))


def check_site(site: Path) -> None:
    """`jld check`, before a cluster is made for a site that cannot be installed."""
    if subprocess.run([str(JLD), "check", str(site), "--output", str(VALUES)], check=False, cwd=CHECKOUT).returncode:
        raise MachineError("The site file has mistakes; the message above says which. Nothing was touched.")


def make_values(sites: list[Path]) -> None:
    """`jld values`: its own messages go straight to the person."""
    command = [str(JLD), "values", *map(str, sites), "--output", str(VALUES)]
    if subprocess.run(command, check=False, cwd=CHECKOUT).returncode:
        raise MachineError("The values were not written; the message above says why. Nothing was installed.")


def install(kubeconfig: Path, wait: str) -> None:
    """Install or upgrade the release and wait until everything is Ready."""
    chart = ["upgrade", "--install", RELEASE, str(CHECKOUT / "chart"), "--values", str(VALUES)]
    command = [*helm(kubeconfig), *chart, "--create-namespace", "--wait", "--timeout", wait]
    run("helm upgrade --install --wait", command, log="helm", every=10)


def helm(kubeconfig: Path) -> list[str]:
    """The helm command for the release's namespace."""
    return [str(BIN / "helm"), "--kubeconfig", str(kubeconfig), "--namespace", NAMESPACE]


def how_to_reach(values: dict[str, Any], kubeconfig: Path) -> str:
    """The words that `make up` ends with."""
    site = values["global"]
    port = site.get("port", 443)
    url = f"https://{site['hostname']}" + ("" if port == 443 else f":{port}")
    lines = [f"JLD is up: {url}"]
    if dummy := values["hub"]["auth"].get("dummy"):
        lines.append(f"Log in as {' or '.join(dummy['users'])}; the password: .venv/bin/jld password")
    if ca := values.get("nginx", {}).get("secret", {}).get("caCertificate"):
        LOCAL.mkdir(exist_ok=True)
        CERTIFICATE.write_bytes(base64.b64decode(ca))
        lines.append(
            f"Its certificate is signed by a CA made for this site: {os.path.relpath(CERTIFICATE, CHECKOUT)} (import it, or accept the warning)"
        )
    lines.append(f"kubectl: export KUBECONFIG={kubeconfig}")
    return "\n".join(lines)


def down() -> None:
    """Uninstall from a cluster that is the person's own; else take the whole cluster away."""
    provider = providers.choose()
    if provider.name == "given":
        command = helm(provider.up())
        if RELEASE in output([*command, "list", "--short"]).split():
            run("helm uninstall", [*command, "uninstall", RELEASE, "--wait"], log="helm-uninstall")
        return
    provider.down()
    say("the local cluster is gone; built programs and images stay in the cache, values.yaml keeps its secrets")
