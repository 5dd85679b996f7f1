"""Read what is public of the Secret that a site names, and try every connection."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from jld.doctor.facts import NoResponse, Release
from jld.doctor.kubectl import SECONDS, Kubectl
from jld.doctor.log_shipping.facts import LogFacts
from jld.doctor.log_shipping.reaching import reach
from jld.doctor.log_shipping.targets import secret_of, targets
from jld.doctor.log_shipping.validity import CERTIFICATES
from jld.doctor.probes import run_all
from jld.support.key_paths import JsonMap, value_at

# A line for each key, and the value only where it is a certificate. Passwords and keys stay in the cluster.
_CERTIFICATES = " ".join(f'(eq $key "{name}")' for name in CERTIFICATES)
_TEMPLATE = "{{range $key, $value := .data}}{{$key}}{{if or " + _CERTIFICATES + '}} {{$value}}{{end}}{{"\\n"}}{{end}}'


def gather(kubectl: Kubectl | None, site: JsonMap, release: Release) -> LogFacts:
    """All facts about log shipping. `kubectl` is None where there is no cluster to ask."""
    existing = str(value_at(site, "logging", "existingSecret") or "")
    secret = _read(kubectl, existing, release) if existing else secret_of(site)
    probes: dict[str, Callable[[], Any]] = {}
    if kubectl and not existing:
        probes["installed"] = partial(_read, kubectl, release.object_name("logging"), release)
    if not isinstance(secret, NoResponse):
        probes |= {target.address: partial(reach, target) for target in targets(site, secret)}
    results = run_all(probes, SECONDS + 1)
    return LogFacts(secret, results.pop("installed", {}), results)


def _read(kubectl: Kubectl | None, name: str, release: Release) -> Mapping[str, bytes] | NoResponse:
    """The certificates of a Secret, and empty values for its other keys. Without keys where there is none of that name."""
    if kubectl is None:
        return NoResponse(f"Secret {name} was not read, for there is no cluster")
    words = ("--namespace", release.namespace, "--ignore-not-found", "--output", f"go-template={_TEMPLATE}")
    text = kubectl.run("get", "secret", name, *words)
    if isinstance(text, NoResponse):
        return text
    lines = (line.partition(" ") for line in text.splitlines() if line)
    return {key: base64.b64decode(value) for key, _, value in lines}
