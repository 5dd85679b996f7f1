"""What Kubernetes' own schemas say about rendered objects."""

import json
from functools import cache

import kubernetes_validate  # type: ignore[import-untyped]
import kubernetes_validate.utils  # type: ignore[import-untyped]
from rendering import Object

# The validator reads its definitions anew for every object; they do not change.
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)

# The Gateway API's and cert-manager's, which the cluster tests ask a real API server about, Cilium's, and the Prometheus operator's (test_monitoring.py).
_NOT_KUBERNETES_OWN = {
    *("HTTPRoute", "Certificate", "Issuer", "CiliumNetworkPolicy"),
    *("PodMonitor", "PrometheusRule", "ServiceMonitor"),
}


@cache
def _complaint(text: str, version: str) -> str:
    try:
        kubernetes_validate.validate(json.loads(text), version, strict=True)
    except kubernetes_validate.ValidationError as failure:
        return f"{list(failure.path)}: {failure.message}"
    return ""


def complaints(objects: list[Object], version: str) -> list[str]:
    known = [each for each in objects if each["kind"] not in _NOT_KUBERNETES_OWN]
    found = [(each, _complaint(json.dumps(each, sort_keys=True), version)) for each in known]
    return [f"{each['kind']} {each['metadata']['name']}: {why}" for each, why in found if why]
