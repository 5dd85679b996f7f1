"""What the Prometheus operator and Grafana are given: objects that their own schemas take, of ports that are there and open."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from jlddev.support.errors import Unsupported
from jlddev.tools.custom_resources import PROMETHEUS_OPERATOR, custom_resources
from rendering import CHECKOUT, Object, Question, Render, refusal, render

RELAY = ('logging.pipeline="relay"', 'logging.existingSecret="logs"', 'logging.broker.host="rabbitmq.example.org"')
LOGSTASH = ("logging.enabled=true", 'logging.pipeline="logstash"', *RELAY[1:])
SCRAPERS = '[{"namespace": "monitoring", "labels": {"app": "prometheus"}}]'
METRICS = (
    'hub.secret.metricsToken="N2U3ZTdlN2U3ZTdl"',
    *(f"{part}.metrics.scrapers={SCRAPERS}" for part in ("hub", "logging", "nginx", "prepuller")),
)
MONITORS, RULES, DASHBOARD = (f"global.monitoring.{key}=true" for key in ("monitors", "rules", "dashboard"))
KINDS = ("PodMonitor", "PrometheusRule", "ServiceMonitor")
SITES = {"relay": ("logging.enabled=true", *RELAY), "logstash": LOGSTASH, "no log shipping": ("logging.enabled=false",)}
OF_LOGS = {"relay": {"filebeat", "relay"}, "logstash": {"filebeat", "logstash"}, "no log shipping": set[str]()}


@pytest.fixture(params=SITES)
def monitored(request: pytest.FixtureRequest, values: dict[str, Path]) -> tuple[Render, set[str]]:
    """A site whose every part tells its numbers, and the parts that ship logs."""
    changes = (*SITES[request.param], *METRICS, MONITORS, RULES, DASHBOARD)
    return render(Question(values["nfs"], changes)), OF_LOGS[request.param]


@pytest.fixture(scope="module")
def schemas() -> dict[str, dict[str, Any]]:
    """The operator's own schemas, by kind, which refuse keys that they do not know."""
    try:
        files = custom_resources(PROMETHEUS_OPERATOR)
    except Unsupported as reason:
        pytest.skip(str(reason))
    found = [yaml.load(file.read_text(), yaml.CSafeLoader)["spec"] for file in files]
    return {each["names"]["kind"]: strict(each["versions"][0]["schema"]["openAPIV3Schema"]) for each in found}


def strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(each) for key, each in schema.items()}
    if isinstance(closed.get("properties"), dict) and "type" in closed and closed["properties"]:
        closed.setdefault("additionalProperties", False)
    return closed


def complaints(objects: list[Object], schemas: dict[str, dict[str, Any]]) -> list[str]:
    return [
        f"{each['kind']} {each['metadata']['name']}: {error.json_path}: {error.message}"
        for each in objects
        for error in jsonschema.Draft202012Validator(schemas[each["kind"]]).iter_errors(each)
    ]


def of_the_operator(rendered: Render) -> list[Object]:
    return [each for each in rendered.objects if each["kind"] in KINDS]


def test_the_operator_takes_every_object(
    monitored: tuple[Render, set[str]], schemas: dict[str, dict[str, Any]]
) -> None:
    objects = of_the_operator(monitored[0])

    assert {each["kind"] for each in objects} == set(KINDS) == set(schemas)
    assert complaints(objects, schemas) == []


def test_the_operators_schema_sees_a_misspelt_key(values: dict[str, Path], schemas: dict[str, dict[str, Any]]) -> None:
    monitor = json.loads(
        json.dumps(render(Question(values["minimal"], (*METRICS, MONITORS))).one("ServiceMonitor", "jld-hub"))
    )
    monitor["spec"]["endpoints"][0]["intervall"] = monitor["spec"]["endpoints"][0].pop("interval")

    assert complaints([monitor], schemas) != []


def components(rendered: Render) -> set[str]:
    return {
        each["metadata"]["labels"]["app.kubernetes.io/component"]
        for kind in ("PodMonitor", "ServiceMonitor")
        for each in rendered.of_kind(kind)
    }


def test_each_part_that_tells_its_numbers_has_a_monitor(monitored: tuple[Render, set[str]]) -> None:
    rendered, of_logs = monitored

    assert components(rendered) == {"hub", "nginx", "prepuller"} | of_logs


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((*METRICS[:1], f"hub.metrics.scrapers={SCRAPERS}"), {"hub"}),
        ((f"nginx.metrics.scrapers={SCRAPERS}",), {"nginx"}),
        ((f"prepuller.metrics.scrapers={SCRAPERS}",), {"prepuller"}),
        ((*SITES["relay"], f"logging.metrics.scrapers={SCRAPERS}"), {"filebeat", "relay"}),
        ((*METRICS, "prepuller.enabled=false", "logging.enabled=false"), {"hub", "nginx"}),
    ],
)
def test_what_tells_nothing_has_none(values: dict[str, Path], changes: tuple[str, ...], expected: set[str]) -> None:
    assert components(render(Question(values["minimal"], (*changes, MONITORS)))) == expected


def test_a_monitor_is_about_a_port_that_pods_have_and_scrapers_reach(monitored: tuple[Render, set[str]]) -> None:
    rendered, _ = monitored
    reached = set()
    for kind, key in (("PodMonitor", "podMetricsEndpoints"), ("ServiceMonitor", "endpoints")):
        for monitor in rendered.of_kind(kind):
            (endpoint,), chosen = monitor["spec"][key], monitor["spec"]["selector"]["matchLabels"]
            port = endpoint["port"]
            if kind == "ServiceMonitor":
                (service,) = [
                    each
                    for each in rendered.of_kind("Service")
                    if chosen.items() <= each["metadata"]["labels"].items()
                    and port in {one["name"] for one in each["spec"]["ports"]}
                ]
                (port,) = {one["targetPort"] for one in service["spec"]["ports"] if one["name"] == port}
            pods = [pod for pod in rendered.pods if chosen.items() <= pod.labels.items()]
            assert {one["name"] for pod in pods for each in pod.containers for one in each.get("ports", [])} >= {port}
            (policy,) = [
                each
                for each in rendered.of_kind("NetworkPolicy")
                if each["spec"]["podSelector"].get("matchLabels") == chosen
            ]
            ingress = [rule for rule in policy["spec"]["ingress"] if {"port": port} in rule["ports"]]
            assert any("namespaceSelector" in each for rule in ingress for each in rule["from"])
            reached.add(monitor["metadata"]["name"])
    assert {"jld-hub", "jld-nginx", "jld-prepuller"} <= reached


@pytest.mark.parametrize("secret", ["", "of-my-own"])
def test_the_hub_is_read_with_its_token_below_its_route(values: dict[str, Path], secret: str) -> None:
    changes = (*METRICS, MONITORS, 'global.hubRoute="/nb/"', 'global.monitoring.interval="1m"')
    own = (f'hub.existingSecret="{secret}"', f'nginx.routes.existingSecret="{secret}"') if secret else ()
    spec = render(Question(values["minimal"], (*changes, *own))).one("ServiceMonitor", "jld-hub")["spec"]

    credentials = {"name": secret or "jld-hub", "key": "metricsToken"}
    assert spec["endpoints"] == [
        {
            "port": "api",
            "path": "/nb/hub/metrics",
            "interval": "1m",
            "authorization": {"type": "token", "credentials": credentials},
        }
    ]


def test_the_operator_finds_its_objects_by_their_labels(values: dict[str, Path]) -> None:
    for each in of_the_operator(render(Question(values["everything"]))):
        assert each["metadata"]["labels"]["release"] == "kube-prometheus-stack"


# Changes, the key that is refused, and the sentence in the schema that `jld` says.
REFUSED: list[tuple[tuple[str, ...], str]] = [
    ((MONITORS,), "/global/monitoring/monitors"),
    ((DASHBOARD,), "/global/monitoring/dashboard"),
    (('global.monitoring.labels={"release": "x"}',), "/global/monitoring/labels"),
    (('global.monitoring.interval="often"',), "/global/monitoring/interval"),
]


@pytest.mark.parametrize(("changes", "place"), REFUSED)
def test_a_key_that_would_do_nothing_is_refused(values: dict[str, Path], changes: tuple[str, ...], place: str) -> None:
    assert f"at '{place}'" in refusal(Question(values["minimal"], changes))


def dashboard(rendered: Render) -> dict[str, Any]:
    (text,) = rendered.one("ConfigMap", "jld-dashboard")["data"].values()
    return dict(json.loads(text))


def test_grafanas_sidecar_finds_the_dashboard(values: dict[str, Path]) -> None:
    labels = ('global.monitoring.dashboardLabels={"team": "a"}',)
    made = render(Question(values["minimal"], (*METRICS, DASHBOARD, *labels)))

    found = made.one("ConfigMap", "jld-dashboard")
    assert found["metadata"]["labels"].items() >= {"grafana_dashboard": "1", "team": "a"}.items()
    assert list(found["data"]) == ["science-jld.json"]
    assert dashboard(made) == json.loads((CHECKOUT / "chart/files/dashboard.json").read_text())


def panels(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in document["panels"] if each["type"] != "row"]


def test_no_panel_lies_on_another_and_each_says_what_it_shows(values: dict[str, Path]) -> None:
    document = dashboard(render(Question(values["minimal"], (*METRICS, DASHBOARD))))
    taken: set[tuple[int, int]] = set()
    for each in document["panels"]:
        place = each["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert all(each["description"] and each["title"] for each in panels(document))
    assert len({each["id"] for each in document["panels"]}) == len(document["panels"]) > 15


@pytest.mark.usefixtures("promtool")
def test_prometheus_understands_each_query_of_the_dashboard(values: dict[str, Path], tmp_path: Path) -> None:
    document = dashboard(render(Question(values["minimal"], (*METRICS, DASHBOARD))))
    queries = [target["expr"] for each in panels(document) for target in each["targets"]]
    rules = [
        {"record": f"panel_{number}", "expr": re.sub(r"\$__rate_interval", "5m", query)}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert all('namespace="$namespace"' in query for query in queries)


@pytest.mark.usefixtures("promtool")
def test_prometheus_takes_the_configuration_of_the_documentation(tmp_path: Path) -> None:
    page = (CHECKOUT / "docs" / "monitoring.md").read_text()
    (block,) = re.findall(r"(?ms)^```yaml\n(scrape_configs:.*?)^```$", page)
    file = tmp_path / "prometheus.yaml"
    # Debian's promtool knows no cluster: that key stands as the Prometheus documentation has it.
    known, found = re.subn(r"kubernetes_sd_configs: .*", "static_configs: []", block)
    assert found == 1
    file.write_text(known)
    words = ["promtool", "check", "config", "--syntax-only", file]
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
