"""The chart's filebeat.yml: the real filebeat takes it, and each of its keys is one that filebeat has.

filebeat calls a misspelt key of an input good, so that the keys are held to a table. Source: the reference of filebeat 9.5.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.logging.certificates import Authority
from tests.logging.chain import for_older_filebeat
from tests.render.rendering import CHECKOUT, Question, render, write_values

INPUT = {
    *("type", "id", "paths", "compression", "file_identity.fingerprint.growing", "parsers.container.stream"),
    *("parsers.container.format", "prospector.scanner.check_interval", "prospector.scanner.symlinks"),
    *("prospector.scanner.exclude_files", "close.on_state_change.removed", "close.on_state_change.inactive"),
    *("close.reader.after_interval", "clean_removed", "clean_inactive", "ignore_older", "message_max_bytes"),
    *("backoff.init", "backoff.max"),
}
LABELS = {
    *("node", "default_indexers.enabled", "default_matchers.enabled", "indexers.pod_uid"),
    *("add_resource_metadata.namespace.enabled", "add_resource_metadata.node.enabled"),
    *("add_resource_metadata.deployment", "add_resource_metadata.cronjob"),
    *("matchers.logs_path.logs_path", "matchers.logs_path.resource_type"),
}
PROCESSORS = {
    *("add_fields.target", "add_fields.fields.shipper", "drop_event.when.or.contains.message"),
    *("dissect.field", "dissect.target_prefix", "dissect.tokenizer", "dissect.overwrite_keys"),
    *("drop_fields.fields", "drop_fields.ignore_missing"),
    *(f"add_kubernetes_metadata.{key}" for key in LABELS),
}
OUTPUT = {
    *("hosts", "loadbalance", "bulk_max_size", "pipelining", "compression_level", "ttl", "timeout"),
    *("backoff.init", "backoff.max", "ssl.enabled", "ssl.certificate_authorities", "ssl.certificate", "ssl.key"),
    *("ssl.verification_mode", "ssl.supported_protocols"),
}
KNOWN = {
    *("name", "path.data", "queue.mem.events", "queue.mem.flush.min_events", "queue.mem.flush.timeout"),
    *("http.enabled", "http.host", "http.port", "logging.to_stderr", "logging.to_files", "logging.level"),
    *("logging.metrics.enabled", "setup.ilm.enabled", "setup.template.enabled"),
    *(f"filebeat.inputs.{key}" for key in INPUT),
    *(f"processors.{key}" for key in PROCESSORS),
    *(f"output.logstash.{key}" for key in OUTPUT),
}
SITES = {
    "relay": (),
    "logstash": ('logging.pipeline="logstash"',),
    "labels": ("logging.podLabels=true",),
    "all of the node": ('logging.containers="node"', 'logging.excludeNamespaces=["kube-system", "x"]'),
    "namespaces of people": ("global.userNamespaces=true", 'storage.mode="hostPath"'),
    "nothing dropped": ("logging.dropLines=[]",),
    "odd texts dropped": (
        r'logging.dropLines=["${HOME}", "$$", "\"quoted\"", "{{ .Values }}", "käse: #1", "%{[x]}", "\\d+"]',
    ),
    "an old node's disk": ('logging.filebeat.giveUpDeletedAfter="24h"',),
}


def flat(data: Any, above: str = "") -> Iterator[str]:
    """The keys of all leaves, with dots. An empty map is a leaf."""
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from flat(value, f"{above}.{key}" if above else str(key))
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        for value in data:
            yield from flat(value, above)
    else:
        yield above


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_values(CHECKOUT / "values" / "logging.yaml", tmp_path_factory.mktemp("values") / "values.yaml")


@pytest.fixture(params=SITES, ids=str)
def text(request: pytest.FixtureRequest, values: Path) -> str:
    rendered = render(Question(values, SITES[request.param]))
    found: str = rendered.one("ConfigMap", "jld-filebeat")["data"]["filebeat.yml"]
    return found


def test_each_key_is_one_of_filebeat(text: str) -> None:
    assert set(flat(yaml.safe_load(text))) - KNOWN == set()


@pytest.mark.parametrize("slip", ["compresion", "close.on_state_changed", "parser", "ignore_olders"])
def test_a_misspelt_key_would_be_found(text: str, slip: str) -> None:
    data = yaml.safe_load(text)
    data["filebeat.inputs"][0][slip] = "auto"
    assert set(flat(data)) - KNOWN == {f"filebeat.inputs.{slip}"}


def test_the_real_filebeat_takes_it(
    text: str, programs: tuple[Path, Path], authority: Authority, tmp_path: Path
) -> None:
    for name, file in (("caCertificate", "ca.crt"), ("certificate", "filebeat.crt"), ("key", "filebeat.key")):
        (tmp_path / name).write_bytes((authority.folder / file).read_bytes())
    (tmp_path / "filebeat.yml").write_text(for_older_filebeat(text).replace("/etc/jld/logging/tls", str(tmp_path)))
    words = ["test", "config", "--strict.perms=false", "-c", tmp_path / "filebeat.yml", f"--path.data={tmp_path}"]
    done = subprocess.run([programs[0], *words], env={"NODE_NAME": "n1"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Config OK"), done.stderr


def test_its_own_log_is_left_out_and_no_other(text: str) -> None:
    data = yaml.safe_load(text)
    patterns = data["filebeat.inputs"][0]["prospector.scanner"]["exclude_files"]

    def is_read(path: str) -> bool:
        return not any(re.search(pattern, path) for pattern in patterns)

    uid = "d87801b4-a98e-4cd5-be6d-4744ab086a15"
    assert not is_read(f"/var/log/pods/science_jld-filebeat-xprpt_{uid}/filebeat/0.log")
    assert is_read(f"/var/log/pods/science_jld-relay-5dbc9c88b9-jnz72_{uid}/relay/0.log")
    assert is_read(f"/var/log/pods/science_my-jld-filebeat-notes_{uid}/main/0.log")
    assert is_read(f"/var/log/pods/science_jld-hub-1_{uid}/hub/0.log.20261129-101500.gz")
    assert not is_read(f"/var/log/pods/science_jld-hub-1_{uid}/hub/0.log.20261129-101500.tmp")


def test_texts_of_lines_to_drop_reach_filebeat_as_they_were_written(
    values: Path, programs: tuple[Path, Path], tmp_path: Path
) -> None:
    """It fills in variables in every text of its configuration."""
    texts = ["${HOME}", "$$", "a$b", "$${x}", '"quoted"', "{{ .Values }}", "käse: #1", "%{[x]}", "\\d+", "}", "${"]
    rendered = render(Question(values, (f"logging.dropLines={json.dumps(texts)}",)))
    (tmp_path / "filebeat.yml").write_text(rendered.one("ConfigMap", "jld-filebeat")["data"]["filebeat.yml"])
    words = ["export", "config", "--strict.perms=false", "-c", tmp_path / "filebeat.yml", f"--path.data={tmp_path}"]
    done = subprocess.run(
        [programs[0], *words], env={"HOME": "/elsewhere"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (dropped,) = [each["drop_event"] for each in yaml.safe_load(done.stdout)["processors"] if "drop_event" in each]
    assert [each["contains"]["message"] for each in dropped["when"]["or"]] == texts
