"""What Kubernetes' own schemas say about rendered objects."""

import json
import re
from functools import cache

import kubernetes_validate.utils  # type: ignore[import-untyped]
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource
from rendering import Object

# The Gateway API's and cert-manager's, which the cluster tests ask a real API server about, Cilium's, and the Prometheus operator's (test_monitoring.py).
_NOT_KUBERNETES_OWN = {
    *("HTTPRoute", "Certificate", "Issuer", "CiliumNetworkPolicy"),
    *("PodMonitor", "PrometheusRule", "ServiceMonitor"),
}


@cache
def _registry(folder: str) -> Registry:
    definitions = kubernetes_validate.utils.schema_contents(f"{folder}/_definitions.json", folder)
    return (Resource.from_contents(definitions) @ Registry()).crawl()


@cache
def _validator(kind: str, api_version: str, version: str) -> Draft202012Validator:
    """The one that kubernetes_validate makes, which makes it anew for each object."""
    full = max(each for each in kubernetes_validate.utils.all_versions() if each.startswith(f"{version}."))
    folder = f"kubernetes-json-schema/v{full}-local-strict"
    group = re.sub(r"^([^./]*)(\.[^/]*)?/", r"\1-", api_version)  # without its domain
    file = f"{kind.lower()}-{group}.json"
    schema = kubernetes_validate.utils.schema_contents(f"{folder}/{file}", version)
    return Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _registry(folder))


@cache
def _complaint(text: str, version: str) -> str:
    data = json.loads(text)
    try:
        _validator(data["kind"], data["apiVersion"], version).validate(data)
    except ValidationError as failure:
        return f"{list(failure.path)}: {failure.message}"
    return ""


def complaints(objects: list[Object], version: str) -> list[str]:
    known = [each for each in objects if each["kind"] not in _NOT_KUBERNETES_OWN]
    found = [(each, _complaint(json.dumps(each, sort_keys=True), version)) for each in known]
    return [f"{each['kind']} {each['metadata']['name']}: {why}" for each, why in found if why]
