"""A change restarts the pods that read it, and no others: a restart of nginx cuts connections, one of the file server stops all homes."""

import shutil
from pathlib import Path

import pytest
from jld.schema.chart import Chart
from jld.schema.validation import key_rule
from rendering import CHART, Question, render


def restarted(before: Question, after: Question) -> set[str]:
    """Components whose pods the change replaces."""
    first, second = (
        {
            each["metadata"]["name"]: each["spec"]["template"]
            for kind in ("Deployment", "DaemonSet", "StatefulSet")
            for each in render(question).of_kind(kind)
        }
        for question in (before, after)
    )
    assert set(first) == set(second)
    return {name.removeprefix("jld-") for name in first if first[name] != second[name]}


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ('hub.culling.idleTimeout="8h"', {"hub"}),
        ('hub.auth.admins=["bob"]', {"hub"}),
        ("hub.namedServers.limit=2", {"hub"}),
        ('hub.services.one={"pods": [{"namespace": "tools"}]}', {"hub"}),
        ('hub.roles.one={"scopes": ["self"], "allowAll": true}', {"hub"}),
        ('hub.lab.image.tag="2.0"', {"hub", "prepuller"}),
        ('hub.lab.sizes.tiny={"cpu": 0.1, "memory": "1Gi"}', {"hub", "prepuller"}),
        ('hub.lab.pod.nodeSelector={"pool": "labs"}', {"hub", "prepuller"}),
        ('hub.lab.pod.tolerations=[{"key": "labs", "operator": "Exists"}]', {"hub", "prepuller"}),
        ('hub.lab.pod.serviceAccount.annotations={"a": "b"}', {"hub"}),
        ('hub.environment.A="b"', {"hub"}),
        ('hub.files={"/etc/a": "b"}', {"hub"}),
        ('hub.files={"/etc/a": {"secret": "a", "key": "b"}}', {"hub"}),
        ('hub.volumes.a={"mountPath": "/a", "configMap": {"name": "a"}}', {"hub"}),
        ("hub.pod.lifecycle.preStop.sleep.seconds=1", {"hub"}),
        ('hub.lab.environment.A="b"', {"hub"}),
        ('hub.lab.files={"/etc/a": "b"}', {"hub"}),
        ('hub.lab.volumes.a={"mountPath": "/a", "configMap": {"name": "a"}}', {"hub"}),
        ('hub.lab.pod.initContainers=[{"name": "a", "image": "quay.io/x/a:1"}]', {"hub"}),
        ('hub.lab.pod.containers=[{"name": "a", "image": "quay.io/x/a:1"}]', {"hub"}),
        ("hub.lab.pod.lifecycle.preStop.sleep.seconds=1", {"hub"}),
        ('global.pod.labels={"a": "b"}', {"hub", "nginx", "prepuller"}),
        ('nginx.pod.nodeSelector={"pool": "edge"}', {"nginx"}),
        ('global.pod.serviceAccount.annotations={"a": "b"}', set()),  # a pod reads them at its start, of the account
        ('hub.lab.sizes.tiny={"cpu": 0.5, "memory": "1Gi", "gpus": 1, "shmSize": "1Gi"}', {"hub", "prepuller"}),
        ('hub.lab.typedImages={"groups": ["my-org"], "allow": ["quay.io/x/*"]}', {"hub"}),
        ('hub.extraConfig={"50-own.py": "c = get_config()"}', {"hub"}),
        ('hub.secret.dummyPassword="YWJj"', {"hub"}),
        ('hub.secret.proxyToken="YWJj"', {"hub"}),
        ('hub.resources.limits.memory="2Gi"', {"hub"}),
        ('nginx.maxBodySize="100m"', {"nginx"}),
        ('nginx.log.level="INFO"', {"nginx"}),
        ('nginx.secret.certificate="YWJj"', set()),  # read anew every minute
        ('nginx.drainDelay="30s"', {"nginx"}),
        ("nginx.replicas=2", set()),
        ('nginx.service.ipFamilyPolicy="PreferDualStack"', set()),
        ('nginx.service.annotations={"a": "b"}', set()),
        ("global.port=443", {"hub", "nginx"}),
        ('global.hostname="other.localhost"', {"hub", "nginx"}),
    ],
)
def test_a_change_restarts_those_who_read_it(values: dict[str, Path], change: str, parts: set[str]) -> None:
    assert restarted(Question(values["local"]), Question(values["local"], (change,))) == parts


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ('hub.lab.images.more={"reference": "quay.io/x/y:1"}', {"hub", "prepuller"}),
        ('hub.lab.images.lsst.pins=["w_2026_13"]', {"hub", "prepuller"}),
        ('hub.lab.typedImages={"groups": ["my-org"], "allow": ["quay.io/x/*"]}', {"hub"}),
        ('hub.culling.idleTimeout="9h"', {"hub"}),
        ('hub.log.level="DEBUG"', {"hub", "prepuller"}),
        ('global.proxy.except=["quay.io"]', {"hub", "prepuller"}),
        ('prepuller.resources.limits.memory="2Gi"', {"prepuller"}),
        (
            'global.imagePullSecrets=["other"]',
            {
                *("file-server", "filebeat", "firefly", "hub", "keepalive", "nginx", "prepuller", "relay"),
                *("room-gpu", "room-medium"),
            },
        ),
        (
            'global.imagePullPolicy="Never"',
            {"file-server", "filebeat", "firefly", "hub", "keepalive", "nginx", "prepuller", "relay"},
        ),
        ("prepuller.metrics.scrapers=[]", set()),
        ('hub.services.user-list.pods=[{"namespace": "elsewhere"}]', set()),
        ("prepuller.nodesAtOnce=3", {"prepuller"}),
        ("prepuller.nodesAtOnce=0", {"prepuller"}),
    ],
)
def test_a_change_of_images_restarts_those_who_read_it(values: dict[str, Path], change: str, parts: set[str]) -> None:
    assert restarted(Question(values["everything"]), Question(values["everything"], (change,))) == parts


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("charts/hub/files/jldhub/settings/settings.py", {"hub", "prepuller"}),
        ("charts/hub/files/jupyterhub_config.py", {"hub"}),
        ("charts/hub/files/jupyterhub_config.d/10-hub.py", {"hub"}),
        ("charts/nginx/files/nginx.conf", {"nginx"}),
        ("charts/nginx/files/site.conf", {"nginx"}),
        ("charts/nginx/files/ipv6-http.conf", {"nginx"}),
        ("charts/nginx/files/routes.conf", {"nginx"}),
        ("charts/nginx/files/lua/router.lua", {"nginx"}),
        ("charts/nginx/files/starting.html", {"nginx"}),
        ("charts/nginx/files/ffdhe2048.txt", {"nginx"}),
        ("charts/nginx/templates/service.yaml", set()),
    ],
)
def test_a_changed_file_restarts_those_who_read_it(
    values: dict[str, Path], tmp_path: Path, path: str, parts: set[str]
) -> None:
    copy = tmp_path / "jld"
    shutil.copytree(CHART, copy)  # with what the links point at
    ours = Question(values["local"], chart=CHART)
    unchanged = restarted(ours, Question(values["local"], chart=copy))
    with (copy / path).open("a") as file:
        file.write("\n# changed\n")

    assert unchanged == set()
    assert restarted(ours, Question(values["local"], chart=copy, repetition=1)) == parts


# Every key of the file server and of a volume, and whether a change of it restarts the server.
OF_THE_FILE_SERVER = [
    ("nfs.capacity", '"2Ti"', False),  # the disk grows below it
    ("nfs.storageClass", '"slow"', False),
    ("nfs.provisioner", '"pd.csi.storage.gke.io"', False),
    ("nfs.parameters", '{"type": "pd-ssd"}', False),
    ("nfs.accessMode", '"ReadWriteOncePod"', False),
    ("nfs.networkPolicy", '"open"', False),
    ("nfs.address", '{"mode": "static", "clusterIP": "10.96.12.34"}', False),
    ("nfs.mountOptions", '["nfsvers=4.1", "hard"]', False),
    ("nfs.podDisruptionBudget", "true", False),
    ("nfs.existingClaim", '"disk"', True),
    ("nfs.clients", '["10.9.0.0/16"]', True),
    ("nfs.gracePeriod", '"10s"', True),
    ("nfs.pod", '{"tolerations": [{"key": "services", "operator": "Exists"}]}', True),
    ("pod", '{"nodeSelector": {"pool": "services"}}', True),
    ("nfs.awayFromLabs", "false", True),
    ("nfs.image", '{"tag": "2.0"}', True),
    ("nfs.resources", '{"limits": {"memory": "2Gi"}}', True),
    ("volumes.scratch.mountPath", '"/shared"', False),
    ("volumes.scratch.readOnly", "true", False),
    ("volumes.scratch.capacity", '"1Gi"', False),
    ("volumes.scratch.directoryMode", '"0755"', False),  # of a folder that is there already
    ("volumes.scratch.mountOptions", '["noexec"]', False),
    ("volumes.scratch.server", '"nfs.example.org"', False),  # of another mode, as the next
    ("volumes.scratch.path", '"/scratch"', False),
    ("volumes.scratch.existingClaim", '"scratch"', True),
    ("volumes.datasets", '{"mountPath": "/datasets"}', True),
    ("mode", '"nfs"', False),
    ("backup", '{"claim": "archives", "keep": 3, "schedule": "0 3 * * *"}', False),
    ("image", '{"tag": "2.0"}', False),
]


@pytest.mark.parametrize(("key", "value", "restarts"), OF_THE_FILE_SERVER)
def test_only_what_the_file_server_needs_to_read_restarts_it(
    values: dict[str, Path], key: str, value: str, restarts: bool
) -> None:
    is_other_disk = ('storage.nfs.storageClass=""', 'storage.nfs.provisioner=""') if key == "nfs.existingClaim" else ()
    changed = Question(values["nfs"], (*is_other_disk, f"storage.{key}={value}"))

    assert ("file-server" in restarted(Question(values["nfs"]), changed)) is restarts


@pytest.mark.parametrize(
    "change",
    [
        'hub.culling.idleTimeout="8h"',
        'nginx.maxBodySize="100m"',
        'global.hostname="other.localhost"',
        "global.port=443",
    ],
)
def test_nothing_of_other_parts_restarts_the_file_server(values: dict[str, Path], change: str) -> None:
    assert "file-server" not in restarted(Question(values["nfs"]), Question(values["nfs"], (change,)))


def test_each_key_of_the_file_server_is_in_the_table() -> None:
    schema = Chart(CHART).schema()
    known = {f"nfs.{key}" for key in key_rule(schema, ("storage", "nfs"))["properties"]}
    known |= {f"volumes.scratch.{key}" for key in key_rule(schema, ("storage", "volumes", "scratch"))["properties"]}

    assert known - {key for key, _, _ in OF_THE_FILE_SERVER} == set()


@pytest.mark.parametrize(
    ("site", "change", "parts"),
    [
        ("logging", 'logging.dropLines=["GET /"]', {"filebeat"}),
        ("logging", 'logging.shipperName="other"', {"filebeat"}),
        ("logging", 'logging.secret.key="YWJj"', {"filebeat"}),
        ("logging", 'logging.broker.vhost="other"', {"relay"}),
        ("logging", 'logging.secret.brokerPassword="YWJj"', set()),  # read anew for each connection
        ("logging", 'logging.secret.serverKey="YWJj"', set()),
        ("logging", "logging.relay.replicas=5", set()),
        ("logstash", 'logging.broker.vhost="other"', {"logs"}),
        ("logstash", 'logging.secret.brokerPassword="YWJj"', {"logs"}),
        ("logstash", 'logging.dropLines=["GET /"]', {"filebeat"}),
    ],
)
def test_a_change_of_log_shipping_restarts_those_who_read_it_once(
    values: dict[str, Path], site: str, change: str, parts: set[str]
) -> None:
    assert restarted(Question(values[site]), Question(values[site], (change,))) == parts
