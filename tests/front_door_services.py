"""Every combination of `nginx.mode`, `nginx.service.type` and what a Service can have, and which of it Kubernetes takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import Any

MODES = ("service", "ingress", "gateway")
TYPES = ("LoadBalancer", "NodePort", "ClusterIP")
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
FIELDS: dict[str, dict[str, Any]] = {
    "loadBalancerIP": {"loadBalancerIP": "192.0.2.10"},
    "loadBalancerSourceRanges": {"loadBalancerSourceRanges": ["192.0.2.0/24", "2001:db8::/32"]},
    "externalTrafficPolicy": {"externalTrafficPolicy": "Local"},
    "nodePorts": {"nodePorts": {"http": 30180, "https": 30543}},
    "annotations": {"annotations": {SOURCE_RANGES: "192.0.2.0/24"}},
}
# What else a site says so that the mode is right.
AROUND: dict[str, dict[str, Any]] = {
    "service": {"tls": {"existingSecret": "jupyter-tls"}},
    "ingress": {"tls": {"existingSecret": "jupyter-tls"}, "trustedProxies": ["10.0.0.0/8"]},
    "gateway": {"gateway": {"name": "public"}, "trustedProxies": ["10.0.0.0/8"]},
}


@dataclass(frozen=True)
class Choice:
    """One combination."""

    mode: str
    type: str
    fields: tuple[str, ...]

    @property
    def nginx(self) -> dict[str, Any]:
        """The site's `nginx`."""
        service: dict[str, Any] = {"type": self.type}
        for field in self.fields:
            service |= FIELDS[field]
        return {"mode": self.mode, "service": service, **AROUND[self.mode]}

    @property
    def kind(self) -> str:
        """The type that the Service has in the end."""
        return self.type if self.mode == "service" else "ClusterIP"

    @property
    def refused(self) -> set[str]:
        """The keys below `nginx.service` that are wrong. A LoadBalancer behind an Ingress is the default, which nobody wrote."""
        found = set()
        if self.kind != "LoadBalancer":
            found |= {"loadBalancerIP", "loadBalancerSourceRanges", "annotations"} & set(self.fields)
        if self.kind == "ClusterIP":
            found |= {"externalTrafficPolicy", "nodePorts"} & set(self.fields)
        return found | ({"type"} if self.mode != "service" and self.type == "NodePort" else set())


def choices() -> Iterator[Choice]:
    subsets = list(chain.from_iterable(combinations(FIELDS, count) for count in range(len(FIELDS) + 1)))
    for mode, type_, fields in product(MODES, TYPES, subsets):
        yield Choice(mode, type_, fields)
