"""What Kubernetes' own schemas say about rendered objects."""

import re
from functools import cache

import kubernetes_validate.utils  # type: ignore[import-untyped]
from jsonschema_rs import Draft202012Validator, Registry
from rendering import Object

_BASE = "json-schema:///"
# The Gateway API's and cert-manager's, which the cluster tests ask a real API server about, Cilium's, and the Prometheus operator's (test_monitoring.py).
_NOT_KUBERNETES_OWN = {
    *("HTTPRoute", "Certificate", "Issuer", "CiliumNetworkPolicy"),
    *("PodMonitor", "PrometheusRule", "ServiceMonitor"),
}


@cache
def _registry(folder: str) -> Registry:
    definitions = kubernetes_validate.utils.schema_contents(f"{folder}/_definitions.json", folder)
    return Registry([(f"{_BASE}_definitions.json", definitions)])


@cache
def _validator(kind: str, api_version: str, version: str) -> Draft202012Validator:
    """By the schemas of kubernetes_validate, which would compile them anew for each object."""
    full = max(each for each in kubernetes_validate.utils.all_versions() if each.startswith(f"{version}."))
    folder = f"kubernetes-json-schema/v{full}-local-strict"
    group = re.sub(r"^([^./]*)(\.[^/]*)?/", r"\1-", api_version)  # without its domain
    file = f"{kind.lower()}-{group}.json"
    schema = kubernetes_validate.utils.schema_contents(f"{folder}/{file}", version)
    return Draft202012Validator(schema, registry=_registry(folder), base_uri=f"{_BASE}{file}")


def _complaint(each: Object, version: str) -> str:
    failures = _validator(each["kind"], each["apiVersion"], version).iter_errors(each)
    return next((f"{failure.instance_path}: {failure.message}" for failure in failures), "")


def complaints(objects: list[Object], version: str) -> list[str]:
    known = [each for each in objects if each["kind"] not in _NOT_KUBERNETES_OWN]
    found = [(each, _complaint(each, version)) for each in known]
    return [f"{each['kind']} {each['metadata']['name']}: {why}" for each, why in found if why]
