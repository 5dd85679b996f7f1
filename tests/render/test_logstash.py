"""logstash's pod: its containers and what each of them sees, and the files that it makes of the chart's settings."""

import json
import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.schema.release_name import LONGEST
from jldlogging.logstash.files import Made, logstash_files
from jldlogging.logstash.settings import Settings
from jldlogging.logstash.volume import shares
from logstash_pipeline_parser import Pipeline
from rendering import VERSION, Object, Pod, Question, Render, refusal, render

FREE_TEXT = (str, IPv4Address, IPv6Address, Path)  # as the parser reads it


def texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def one_of(*accepted: object) -> Callable[[object], bool]:
    return lambda value: value in accepted


def some_of(*accepted: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and set(value) <= set(accepted)


def of(*kinds: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kinds) and not (bool not in kinds and isinstance(value, bool))


TEXT, NUMBER, SWITCH, MAP = of(*FREE_TEXT), of(int), of(bool), of(list)
# The options of the plugins that the pipeline uses, of logstash-input-beats 7.0 and logstash-integration-rabbitmq 7.4. An option that the
# plugin does not know, or of another type, stops logstash. Deprecated ones are left out.
OPTIONS: dict[str, dict[str, Callable[[object], bool]]] = {
    "beats": {
        "id": TEXT,
        "host": TEXT,
        "port": NUMBER,
        "ssl_enabled": SWITCH,
        "ssl_certificate": TEXT,
        "ssl_key": TEXT,
        "ssl_key_passphrase": TEXT,
        "ssl_certificate_authorities": texts,
        "ssl_client_authentication": one_of("none", "optional", "required"),
        "ssl_handshake_timeout": NUMBER,
        "ssl_cipher_suites": texts,
        "ssl_supported_protocols": some_of("TLSv1.1", "TLSv1.2", "TLSv1.3"),
        "client_inactivity_timeout": NUMBER,
        "executor_threads": NUMBER,
        "event_loop_threads": NUMBER,
        "enrich": some_of("source_metadata", "codec_metadata", "ssl_peer_metadata", "none", "all"),
    },
    "rabbitmq": {
        "id": TEXT,
        "host": TEXT,
        "port": NUMBER,
        "user": TEXT,
        "password": TEXT,
        "vhost": TEXT,
        "ssl": SWITCH,
        "ssl_version": TEXT,
        "ssl_certificate_path": TEXT,
        "ssl_certificate_password": TEXT,
        "automatic_recovery": SWITCH,
        "connect_retry_interval": NUMBER,
        "connection_timeout": NUMBER,
        "heartbeat": NUMBER,
        "exchange": TEXT,
        "exchange_type": one_of("fanout", "direct", "topic", "x-consistent-hash", "x-modulus-hash"),
        "key": TEXT,
        "durable": SWITCH,
        "persistent": SWITCH,
        "message_properties": MAP,
    },
}
NEEDED = {"beats": {"port"}, "rabbitmq": {"host", "exchange", "exchange_type"}}
# Of logstash 9.5's settings, those that are used.
KEYS: dict[str, Callable[[object], bool]] = {
    "path.config": TEXT,
    "path.data": TEXT,
    "pipeline.workers": NUMBER,
    "pipeline.ordered": one_of("auto", True, False),
    "queue.type": one_of("memory", "persisted"),
    "queue.max_bytes": lambda value: bool(re.fullmatch(r"[1-9][0-9]*mb", str(value))),
    "queue.page_capacity": lambda value: bool(re.fullmatch(r"[1-9][0-9]*mb", str(value))),
    "queue.checkpoint.writes": NUMBER,
    "api.http.host": TEXT,
    "api.http.port": NUMBER,
    "log.level": one_of("fatal", "error", "warn", "info", "debug", "trace"),
    "log.format": one_of("json", "plain"),
    "config.reload.automatic": SWITCH,
    "ssl.reload.automatic": SWITCH,
}
GIB = 1024**3


def made(rendered: Render, tmp_path: Path) -> dict[str, str]:
    """logstash's files, of the chart's settings."""
    file = tmp_path / "logstash.yaml"
    file.write_text(rendered.one("ConfigMap", "jld-logstash")["data"]["logstash.yaml"])
    settings = Settings.load(file)
    return logstash_files(settings, shares(settings.volume_size, 40 * GIB), Made("pass-word_1", b"salt", "::"))


def plugins(pipeline: str) -> dict[str, dict[str, Any]]:
    """The options of each plugin of a pipeline."""
    return {
        name: {option: value for option, (value,) in options}
        for _, section in Pipeline(pipeline).parse()
        for name, options in section
    }


def complaints(pipeline: str) -> list[str]:
    """What logstash would not take in a pipeline, besides its grammar."""
    found = [
        f"{name}: {missing} is missing"
        for name, keys in NEEDED.items()
        for missing in keys - set(plugins(pipeline)[name])
    ]
    for name, options in plugins(pipeline).items():
        for option, value in options.items():
            known = OPTIONS.get(name, {}).get(option)
            if known is None or not known(value):
                found.append(f"{name}: {option} => {value}")
    # The parser takes an array without its commas, which logstash does not.
    found += [f"no comma in [{array}]" for array in re.findall(r"\[([^]]*)\]", pipeline) if re.search(r'"\s*"', array)]
    # Variables of the environment, of which the pod sets none.
    return found + re.findall(r"\$\{[^}]*\}", pipeline)


@pytest.fixture
def rendered(values: dict[str, Path]) -> Render:
    return render(Question(values["logstash"]))


@pytest.fixture
def pipeline(rendered: Render, tmp_path: Path) -> str:
    return made(rendered, tmp_path)["pipeline.conf"]


def test_logstash_takes_the_pipeline(pipeline: str) -> None:
    assert [kind for kind, _ in Pipeline(pipeline).parse()] == ["input", "output"]
    assert complaints(pipeline) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("ssl_enabled => true", "ssl => true"),
        ("port => 5044", 'port => "5044"'),
        ('ssl_client_authentication => "required"', 'ssl_client_authentication => "demanded"'),
        ('"TLSv1.2", "TLSv1.3"', '"TLSv1.2" "TLSv1.3"'),
        ('"TLSv1.2", "TLSv1.3"', '"TLSv1.2", "SSLv3"'),
        ("durable => true", 'durable => "yes"'),
        ('    exchange_type => "direct"\n', ""),
        ('password => "pass-word_1"', 'password => "${PASSWORD}"'),
        ("heartbeat => 30", "verify_ssl => true"),
    ],
)
def test_a_pipeline_that_logstash_would_not_take_is_noticed(pipeline: str, right: str, wrong: str) -> None:
    assert right in pipeline
    assert len(complaints(pipeline.replace(right, wrong))) == 1


def test_filebeat_comes_in_with_a_certificate_and_events_go_to_loopback_alone(pipeline: str) -> None:
    beats, rabbitmq = (plugins(pipeline)[name] for name in ("beats", "rabbitmq"))

    assert (beats["ssl_enabled"], beats["ssl_client_authentication"]) == (True, "required")
    assert str(rabbitmq["host"]) == "127.0.0.1"
    assert (rabbitmq["durable"], rabbitmq["persistent"]) == (True, True)
    assert (rabbitmq["exchange"], rabbitmq["key"]) == ("panopticon-logstash-exchange", "logstash")


def test_logstash_knows_each_of_its_settings(rendered: Render, tmp_path: Path) -> None:
    keys = yaml.safe_load(made(rendered, tmp_path)["logstash.yml"])

    assert {key: value for key, value in keys.items() if not KEYS[key](value)} == {}
    assert keys["api.http.host"] == "127.0.0.1"
    assert keys["queue.max_bytes"] == f"{40 * 1024 * 3 // 10}mb"


def pod(rendered: Render) -> Pod:
    (found,) = [each for each in rendered.pods if each.component == "logstash"]
    return found


def container(rendered: Render, name: str) -> Object:
    (found,) = [each for each in pod(rendered).containers if each["name"] == name]
    return found


def mounts(rendered: Render, name: str) -> dict[str, Object]:
    return {each["mountPath"]: each for each in container(rendered, name)["volumeMounts"]}


def test_rabbitmq_is_there_before_logstash_and_until_after_it(rendered: Render) -> None:
    """Kubernetes starts what restarts always among the init containers first, and ends it last."""
    spec = pod(rendered).spec

    assert [(each["name"], each.get("restartPolicy")) for each in spec["initContainers"]] == [
        ("files", None),
        ("rabbitmq", "Always"),
    ]
    assert [each["name"] for each in spec["containers"]] == ["logstash"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container(rendered, "rabbitmq"))


def test_everybody_runs_his_own_image(values: dict[str, Path]) -> None:
    digest = f"@sha256:{64 * '0'}"
    rendered = render(Question(values["logstash"], (f'logging.logstash.rabbitmq.image.tag="4.2.9{digest}"',)))

    assert {each["name"]: each["image"] for each in pod(rendered).containers} == {
        "files": f"ghcr.io/my-org/hub:{VERSION}",
        "rabbitmq": f"docker.io/library/rabbitmq:4.2.9{digest}",
        "logstash": "docker.elastic.co/logstash/logstash:9.5.2",
    }


def seen(rendered: Render, name: str) -> set[str]:
    """The keys of the Secret that a container sees; `*` where it sees all."""
    secrets = {each["name"]: each["secret"] for each in pod(rendered).spec["volumes"] if "secret" in each}
    mounted = [secrets[each["name"]] for each in mounts(rendered, name).values() if each["name"] in secrets]
    return {item["key"] for secret in mounted for item in secret.get("items", [{"key": "*"}])}


def test_each_container_sees_what_it_needs_of_what_is_secret(rendered: Render) -> None:
    assert seen(rendered, "files") == {"*"}
    assert seen(rendered, "logstash") == {"caCertificate", "serverCertificate", "serverKey"}
    assert seen(rendered, "rabbitmq") == {"brokerCaCertificate", "brokerCertificate", "brokerKey"}
    written = {name: {each["name"] for each in mounts(rendered, name).values()} for name in ("logstash", "rabbitmq")}
    assert "rabbitmq" not in written["logstash"]
    assert "logstash" not in written["rabbitmq"]
    (memory,) = [each["emptyDir"] for each in pod(rendered).spec["volumes"] if each["name"] == "rabbitmq"]
    assert memory["medium"] == "Memory"


def test_the_settings_name_the_folders_that_are_mounted(rendered: Render) -> None:
    settings = yaml.safe_load(rendered.one("ConfigMap", "jld-logstash")["data"]["logstash.yaml"])
    folders = settings["folders"]
    files, logstash, rabbitmq = (mounts(rendered, name) for name in ("files", "logstash", "rabbitmq"))

    assert {"secret", "volume", "logstash", "rabbitmq"} == {name for name, path in folders.items() if path in files}
    assert {"logstash", "tls", "logstashData"} == {name for name, path in folders.items() if path in logstash}
    assert {"rabbitmq", "brokerTls", "rabbitmqData"} == {name for name, path in folders.items() if path in rabbitmq}
    # The init container makes these on the volume.
    assert logstash[folders["logstashData"]]["subPath"] == "logstash"
    assert rabbitmq[folders["rabbitmqData"]]["subPath"] == "rabbitmq"
    assert container(rendered, "logstash")["command"][1:] == ["--path.settings", folders["logstash"]]
    environment = {each["name"]: each["value"] for each in container(rendered, "rabbitmq")["env"]}
    assert environment["RABBITMQ_CONF_ENV_FILE"] == f"{folders['rabbitmq']}/rabbitmq-env.conf"
    assert environment["HOME"] in rabbitmq


def test_probes_and_service_ask_where_the_programs_listen(rendered: Render) -> None:
    settings = yaml.safe_load(rendered.one("ConfigMap", "jld-logstash")["data"]["logstash.yaml"])
    (port,) = container(rendered, "logstash")["ports"]
    service = rendered.one("Service", "jld-logs")["spec"]

    assert (port["name"], port["containerPort"]) == ("beats", settings["ports"]["beats"])
    assert service["ports"] == [{"name": "beats", "port": 5044, "targetPort": "beats"}]
    assert service["selector"].items() <= pod(rendered).labels.items()
    assert (
        f"/{settings['ports']['amqp']}'"
        in f"{container(rendered, 'rabbitmq')['readinessProbe']['exec']['command'][-1]}'"
    )


@pytest.mark.parametrize(("size", "java"), [("2Gi", "2g"), ("1536Mi", "1536m")])
def test_java_gets_its_memory(values: dict[str, Path], size: str, java: str) -> None:
    rendered = render(Question(values["logstash"], (f'logging.logstash.javaMemory="{size}"',)))
    (options,) = [each["value"] for each in container(rendered, "logstash")["env"] if each["name"] == "LS_JAVA_OPTS"]

    assert options.split()[:2] == [f"-Xms{java}", f"-Xmx{java}"]


def test_the_volume_has_the_size_that_the_shares_are_of(rendered: Render) -> None:
    claim = rendered.one("PersistentVolumeClaim", "jld-logstash")
    settings = yaml.safe_load(rendered.one("ConfigMap", "jld-logstash")["data"]["logstash.yaml"])

    assert claim["spec"]["resources"]["requests"]["storage"] == settings["volumeSize"] == "100Gi"
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


@pytest.mark.parametrize(
    ("change", "restarts"),
    [
        ('logging.broker.vhost="other"', True),
        ('logging.logstash.queue="other"', True),
        ('logging.logstash.storage.size="200Gi"', True),
        ('logging.secret.brokerPassword="YWJj"', True),
        ('logging.secret.serverKey="YWJj"', True),
        ('logging.secret.key="YWJj"', False),  # filebeat's
        ('logging.logstash.storage.storageClass="slow"', False),
        ("logging.relay.replicas=3", False),
        ('logging.dropLines=["x"]', False),
    ],
)
def test_a_change_restarts_logstash_where_it_reads_it(values: dict[str, Path], change: str, restarts: bool) -> None:
    before, after = (
        render(Question(values["logstash"], changes)).one("StatefulSet", "jld-logs")["spec"]["template"]
        for changes in ((), (change,))
    )

    assert (before != after) is restarts


def test_a_change_of_logstash_does_not_restart_filebeat(values: dict[str, Path]) -> None:
    before, after = (
        render(Question(values["logstash"], changes)).one("DaemonSet", "jld-filebeat")["spec"]["template"]
        for changes in ((), ('logging.logstash.queue="other"', 'logging.broker.vhost="other"'))
    )

    assert before == after


def test_names_of_the_broker_reach_the_pod_as_they_are_written(values: dict[str, Path], tmp_path: Path) -> None:
    hard = "a'\\\"#:é<>&{{}}%/😀"
    quoted = json.dumps(hard, ensure_ascii=False)
    changes = tuple(f"logging.broker.{key}={quoted}" for key in ("vhost", "exchange", "routingKey", "user"))
    file = tmp_path / "logstash.yaml"
    text = render(Question(values["logstash"], changes)).one("ConfigMap", "jld-logstash")["data"]["logstash.yaml"]
    file.write_text(text)

    broker = Settings.load(file).broker
    assert {broker.vhost, broker.exchange, broker.routing_key, broker.user} == {hard}


@pytest.mark.parametrize("name", ['a"b', "${HOME}", "%{message}", "amq.direct", "a b"])
def test_a_name_that_logstash_cannot_write_is_refused(values: dict[str, Path], name: str) -> None:
    assert "/logging/logstash/exchange" in refusal(
        Question(values["logstash"], (f"logging.logstash.exchange={json.dumps(name)}",))
    )


def test_a_secret_of_ones_own_is_mounted_and_the_charts_is_not_there(values: dict[str, Path]) -> None:
    rendered = render(Question(values["logstash"], ('logging.existingSecret="mine"', "logging.secret={}")))
    names = {each["secret"]["secretName"] for each in pod(rendered).spec["volumes"] if "secret" in each}

    assert names == {"mine"}


def test_with_another_pipeline_there_is_nothing_of_logstash(values: dict[str, Path]) -> None:
    objects = render(Question(values["logging"])).objects

    assert [each for each in objects if each["metadata"]["labels"]["app.kubernetes.io/component"] == "logstash"] == []


def test_the_longest_release_has_a_pod_whose_labels_kubernetes_takes(values: dict[str, Path]) -> None:
    (found,) = render(Question(values["logstash"], release="r" * LONGEST)).of_kind("StatefulSet")

    assert len(found["metadata"]["name"]) + len("-0123456789") <= 63  # the label controller-revision-hash
