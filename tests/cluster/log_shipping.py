"""A platform that ships its logs from a real node to a RabbitMQ of this machine, and what a test does to it."""

import base64
import re
import signal
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pykube
import requests
import yaml
from jld.secrets import log_shipping
from jlddev.clusters import native
from jlddev.images import build
from jlddev.support.paths import CHECKOUT
from jlddev.support.run import output

from tests.logging.broker import EXCHANGE, ROUTING_KEY, USER, VHOST, Broker
from tests.logging.certificates import Authority
from tests.logging.sink import Sink

from .release import Release
from .standin import HARDENED

HOST = "rabbitmq"  # a Service of the namespace that leads to this machine
VOLUME_CLASS = "jld-logging-test"
VOLUME_SIZE = "4Gi"  # the smallest for two queues
# A program that logs until it is told to end, or has written all its lines. Then it stays, so that its log does too.
WRITER = """
import signal, sys, time
name, lines, rate, width = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
ends = []
signal.signal(signal.SIGTERM, lambda *_: ends.append(True))
began = time.monotonic()
number = 0
while number < lines and not ends:
    print(name, number, time.time_ns(), "x" * width, flush=True)
    number += 1
    if number % 10 == 0:
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
while ends:  # again and again: the log may be rotated in between
    print(f"{name}: {number} lines", flush=True)
    time.sleep(2)
time.sleep(3600)
"""
ENDLESS = 10**9  # lines


def site(pipeline: str, port: int, authority: Path, made: dict[str, build.Image], scraped_from: str) -> dict[str, Any]:
    """The site file of a platform whose broker listens on `port` of this machine."""
    named = {
        name: dict(zip(("repository", "tag"), image.reference.rsplit(":", 1), strict=True))
        for name, image in made.items()
    }
    little = {"cpu": "5m", "memory": "64Mi"}
    logging = {
        "enabled": True,
        "pipeline": pipeline,
        "shipperName": "test-cluster",
        "broker": {
            "host": HOST,
            "port": port,
            "vhost": VHOST,
            "exchange": EXCHANGE,
            "routingKey": ROUTING_KEY,
            "user": USER,
            "caCertificate": str(authority),
        },
        "podLabels": True,
        "filebeat": {"image": named["filebeat"], "stateFolder": f"/var/lib/jld/test/{uuid.uuid4()}"},
        "metrics": {"scrapers": [{"namespace": scraped_from, "labels": {"app": "scraper"}}]},
    }
    if pipeline == "logstash":
        logging["logstash"] = {
            "image": named["logstash"],
            "javaMemory": "256Mi",
            "storage": {"size": VOLUME_SIZE, "storageClass": VOLUME_CLASS},
            "resources": {"requests": little, "limits": {"memory": "512Mi"}},
            "rabbitmq": {"image": named["rabbitmq"], "resources": {"requests": little}},
        }
    return {
        "global": {"hostname": "logging.test"},
        "hub": {"auth": {"dummy": {"users": ["alice"]}}},
        "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"}},
        "nginx": {"service": {"type": "ClusterIP"}, "tls": {"selfSigned": True}},
        "logging": logging,
    }


def broker_service(port: int) -> list[dict[str, Any]]:
    """The broker's name in the namespace: what DNS elsewhere would be."""
    named = {"ports": [{"name": "amqps", "port": port}]}
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": HOST, "labels": {"kubernetes.io/service-name": HOST}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [native.HOST_ADDRESS]}],
        **named,
    }
    return [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": HOST}, "spec": named}, slice_]


@dataclass
class Volume:
    """A volume that can be full: a tmpfs of the node."""

    folder: str
    claim: str  # namespace and name of the only claim that it is for

    @property
    def manifest(self) -> dict[str, Any]:
        namespace, _, name = self.claim.partition("/")
        spec = {
            "capacity": {"storage": VOLUME_SIZE},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": VOLUME_CLASS,
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": self.folder},
            "claimRef": {"namespace": namespace, "name": name},
        }
        return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": VOLUME_CLASS}, "spec": spec}

    def mount(self) -> None:
        self._in_node("mkdir", "-p", self.folder)
        self._in_node("mount", "-t", "tmpfs", "-o", "size=4g,mode=0777", "tmpfs", self.folder)

    def unmount(self) -> None:
        self._in_node("umount", "--lazy", self.folder)

    def fill(self, mebibytes: int) -> None:
        """With something else, until less than this is free of it."""
        (free,) = self._in_node("stat", "--file-system", "--format=%a %S", self.folder).splitlines()
        blocks, size = map(int, free.split())
        self._in_node("fallocate", f"--length={blocks * size - mebibytes * 2**20}", f"{self.folder}/ballast")

    def delete(self, client: pykube.HTTPClient) -> None:
        if found := pykube.PersistentVolume.objects(client).get_or_none(name=VOLUME_CLASS):
            found.delete()

    def _in_node(self, *words: str) -> str:
        return output(["nsenter", f"--target={native.node_pid()}", "--mount", "--pid", "--", *words])


class Writers:
    """Pods that log until they are told to end."""

    def __init__(
        self, release: Release, image: str, names: Iterable[str], rate: float, lines: int = ENDLESS, width: int = 60
    ) -> None:
        """`rate` in lines a second of each."""
        self.names = list(names)
        self._release = release
        release.apply(yaml.safe_dump_all([_writer(name, image, lines, rate, width) for name in self.names]))

    def end(self) -> dict[str, int]:
        """Tell them to end. How many lines each has written."""
        for name in self.names:
            self._release.kubectl("exec", name, "--", "sh", "-c", "kill -TERM 1")
        return {name: self._written(name) for name in self.names}

    def _written(self, name: str) -> int:
        deadline = time.monotonic() + 60
        while not (told := re.fullmatch(rf"{name}: (\d+) lines\n", self._release.kubectl("logs", name, "--tail=1"))):
            assert time.monotonic() < deadline, f"{name} does not say how many lines it wrote"
            time.sleep(0.5)
        return int(told[1])

    def delete(self) -> None:
        delete(self._release, *self.names)


def _writer(name: str, image: str, lines: int, rate: float, width: int) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": image,
        "command": ["python3", "-c", WRITER, name, str(lines), str(rate), str(width)],
        "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}},
        "securityContext": HARDENED | {"runAsUser": 1000},
    }
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}
    metadata = {"name": name, "labels": {"app": "writer", "example.org/team": "stars"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def delete(release: Release, *pods: str) -> None:
    release.kubectl("delete", "pod", *pods, "--grace-period=0", "--force", "--ignore-not-found")


@dataclass
class Platform:
    """An installed release that ships its logs, with the files that it was made from."""

    release: Release
    pipeline: str  # relay or logstash
    sites: list[Path]
    secrets: Path
    volume: Volume | None = None

    def kill_filebeat(self) -> None:
        self.kill("filebeat", "filebeat")
        self._replace("filebeat")

    def kill_receiver(self) -> None:
        """The relay's copies, or logstash; RabbitMQ beside it ends with its pod, and is asked to."""
        self.kill(self.pipeline, self.pipeline)
        self._replace(self.pipeline)

    def kill(self, component: str, program: str) -> None:
        """From one moment to the next, as the kernel does it: the processes of a component's pods that run this program."""
        killed = 0
        for process in self._processes(component):
            try:
                if program in " ".join(process.cmdline()):
                    process.send_signal(signal.SIGKILL)
                    killed += 1
            except psutil.NoSuchProcess:
                pass
        assert killed, f"no process of {component} runs {program}"

    def _processes(self, component: str) -> Iterable[psutil.Process]:
        uids = [pod.obj["metadata"]["uid"] for pod in self.release.pods(component)]
        for process in psutil.process_iter():
            try:
                groups = Path(f"/proc/{process.pid}/cgroup").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if any(uid in groups for uid in uids):
                yield process

    def _replace(self, component: str) -> None:
        """Its pods by new ones: in the old ones the kubelet would wait longer after each kill."""
        self.release.kubectl("delete", "pod", *(pod.name for pod in self.release.pods(component)))

    def set_password(self, password: str) -> None:
        """As an operator: in the secrets, and by an upgrade."""
        self.secrets.write_text(yaml.safe_dump({"logging": {"secret": {"brokerPassword": password}}}))
        self.write_values()
        self.upgrade()

    def write_values(self) -> None:
        """`jld values`, which makes new certificates in the place of those that expire."""
        self.release.write_values(self.sites, self.secrets)

    def upgrade(self) -> None:
        self.release.helm("upgrade", self.release.name, str(CHECKOUT / "chart"), "--values", str(self.release.values))

    def upgrade_with_expired_certificates(self) -> None:
        """As the values were years ago: those of the connection from filebeat."""
        logging, text = self.release.site["logging"], self.release.values.read_text()
        service = logging.get("serviceName", "jld-logs")
        made = log_shipping.generate(service, datetime.now(UTC) - timedelta(days=5 * 365))
        for name, pem in made.items():
            assert logging["secret"][name] in text
            text = text.replace(logging["secret"][name], base64.b64encode(pem).decode())
        self.release.values.write_text(text)
        self.upgrade()

    def wait_for_log(self, component: str, text: str, seconds: float = 240) -> None:
        """Until a container of the component's pods has said this."""
        self.until(lambda: text in self.log(component), seconds)

    def log(self, component: str) -> str:
        """What its containers have said since they started."""
        said = []
        for pod in self.release.pods(component):
            for container in (*pod.obj["spec"].get("initContainers", []), *pod.obj["spec"]["containers"]):
                with suppress(requests.HTTPError):  # it is not started yet, or its pod is gone
                    said.append(pod.logs(container=container["name"]))
        return "\n".join(said)

    def until(self, condition: Callable[[], bool], seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{self.release.story()}\n{self.log(self.pipeline)[-4000:]}"
            time.sleep(0.5)

    def until_caught_up(self, sink: Sink) -> None:
        """filebeat 8.1.3 reads no file that the kubelet has compressed meanwhile: when it is killed, it has to be up to date."""
        self.until(lambda: sink.found.behind < 8)

    def until_lines_come(self, sink: Sink) -> None:
        """Until one comes that was written after now."""
        now = time.time()
        self.until(lambda: sink.found.newest > now)


def renew_broker(broker: Broker, authority: Authority, until: datetime | None = None) -> None:
    """The broker's operators give it a certificate that is good `until` then."""
    authority.issue("broker", HOST, native.HOST_ADDRESS, until=until)
    broker.show(authority.folder)
