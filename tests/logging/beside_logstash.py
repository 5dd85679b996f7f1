"""RabbitMQ as it stands beside logstash: with the files that the init container of logstash's pod writes, and nothing else."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml
from jlddev.support.errors import MachineError
from jlddev.support.run import output, tail

from tests.logging.broker import STARTS_WITHIN, UID, signal_inside, wait_until_kept
from tests.logging.certificates import Authority
from tests.ports import free_port

# Where the pod's folders are, for the init container's program and for RabbitMQ: below the one that both see as /srv.
PLACES = {
    "/etc/jld/logging/": "/srv/",
    "/usr/share/logstash/data": "/srv/volume/logstash",
    "/var/lib/rabbitmq": "/srv/volume/rabbitmq",
    "/volume": "/srv/volume",
}


@dataclass
class Pod:
    """The folders of logstash's pod, and the RabbitMQ in it. The volume outlives both programs."""

    root: Path  # of the unpacked Debian with RabbitMQ
    folder: Path
    settings: Mapping[str, Any]  # the chart's logstash.yaml
    tls: Authority
    password: str
    hosts: str = "127.0.0.1 localhost\n"  # the pod's /etc/hosts
    port: int = field(default_factory=free_port)
    metrics_port: int | None = None
    _process: subprocess.Popen[bytes] | None = None
    _distribution: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))

    @property
    def log(self) -> str:
        return (self.folder / "rabbitmq.log").read_text()

    def run_init_container(self) -> str:
        """Write the files anew, as at each start of the pod. Returns what it says. Raises MachineError."""
        for name in ("settings", "secret", "broker", "logstash", "rabbitmq", "volume", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._write_secret()
        folders = {name: _here(path) for name, path in self.settings["folders"].items()}
        ports = {"beats": 5044, "amqp": self.port, "api": 9600}
        if self.metrics_port:
            ports["metrics"] = self.metrics_port
        changed = {"folders": folders, "volumeSize": "1Gi", "ports": ports}
        (self.folder / "settings" / "logstash.yaml").write_text(yaml.safe_dump({**self.settings, **changed}))
        mount = 'mount --rbind "$1" /srv && exec "$2" -m jldlogging.logstash /srv/settings/logstash.yaml'
        said = output(["unshare", "--mount", "--", "sh", "-c", mount, "sh", self.folder, sys.executable])
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, UID, UID)
        return said

    def _write_secret(self) -> None:
        authority = (self.tls.folder / "ca.crt").read_text()
        contents = {
            "brokerPassword": f"{self.password}\n",
            "brokerCaCertificate": authority,
            "caCertificate": authority,
            "serverCertificate": (self.tls.folder / "relay.crt").read_text(),
            "serverKey": output(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", self.tls.folder / "relay.key"]),
        }
        for name, content in contents.items():
            (self.folder / "secret" / name).write_text(content)
        (self.folder / "broker" / "brokerCaCertificate").write_text(authority)

    def start(self) -> None:
        """Start RabbitMQ and wait until it listens. Raises MachineError with the end of its log."""
        script = (
            'mount --rbind "$2" "$1/srv" && mount --bind "$2/hosts" "$1/etc/hosts" && mount --rbind /dev "$1/dev" '
            '&& mount -t proc proc "$1/proc" && root="$1" && shift 2 '
            f'&& exec chroot --userspec={UID}:{UID} "$root" env -i "$@"'
        )
        words = [*self._environment(), "rabbitmq-server"]
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--"]
        (self.folder / "hosts").write_text(self.hosts)
        with (self.folder / "rabbitmq.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*namespaces, "sh", "-c", script, "sh", self.root, self.folder, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.wait_for("completed with ")
        wait_until_kept(self.folder / "volume" / "rabbitmq" / "mnesia", self.settings["names"]["queue"])

    def _environment(self) -> list[str]:
        """As the chart's, with this machine's paths and ports."""
        epmd, distribution = self._distribution
        environment = {
            "PATH": "/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/srv/run",
            "LANG": "C.UTF-8",
            "RABBITMQ_CONF_ENV_FILE": "/srv/rabbitmq/rabbitmq-env.conf",
            "ERL_EPMD_PORT": str(epmd),
            "RABBITMQ_DIST_PORT": str(distribution),
        }
        return [f"{name}={value}" for name, value in environment.items()]

    def run(self, command: Sequence[str]) -> str:
        """Run a command in RabbitMQ's container, as its probes do. Returns what it says. Raises MachineError."""
        server = next(each for each in self.processes() if each.name() == "beam.smp")
        there = ["nsenter", f"--target={server.pid}", "--mount", "--pid", "--root", "--wd"]
        return output([*there, f"--setuid={UID}", f"--setgid={UID}", "env", "-i", *self._environment(), *command])

    def wait_for(self, text: str, log: Path | None = None, progress: Callable[[], object] = lambda: None) -> None:
        """Until its log, or another one, has a text: as long as there is progress. Raises MachineError with the end of the log."""
        deadline, file, last = time.monotonic() + STARTS_WITHIN, log or self.folder / "rabbitmq.log", progress()
        while text not in file.read_text():
            if (now := progress()) != last:
                deadline, last = time.monotonic() + STARTS_WITHIN, now
            if time.monotonic() > deadline or (self._process and self._process.poll() is not None):
                raise MachineError(f"RabbitMQ never wrote {text!r}:\n{tail(file, 40)}")
            time.sleep(0.2)

    def processes(self) -> list[psutil.Process]:
        """RabbitMQ, and what it started."""
        assert self._process
        return psutil.Process(self._process.pid).children(recursive=True)

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._process and self._process.poll() is None:
            signal_inside(self._process, how)
            self._process.wait(60)


def _here(path: str) -> str:
    for place, here in PLACES.items():
        if path.startswith(place):
            return here + path.removeprefix(place)
    raise AssertionError(path)
