"""The chain as processes of this machine: the real filebeat with the chart's configuration, and the real relay."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from jlddev.support.errors import MachineError
from jlddev.support.run import tail

from tests.logging.broker import EXCHANGE, PASSWORD, ROUTING_KEY, USER, VHOST
from tests.logging.certificates import Authority
from tests.ports import free_port

# filebeat 8.1.3 has no fingerprints of files, does not read compressed ones, and would take these keys without a word.
NEWER_KEYS = ("compression", "file_identity.fingerprint")
SERVICE = "jld-logs"


@dataclass
class Chain:
    """filebeat and relay with their files in a folder. Each can be ended and started again by itself."""

    folder: Path
    filebeat_program: Path
    configuration: str  # the chart's filebeat.yml
    broker_port: int
    tls: Authority  # of the connection from filebeat, and the broker's
    relay_port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    stats_port: int = field(default_factory=free_port)
    password: str = PASSWORD
    _filebeat: subprocess.Popen[bytes] | None = None
    _relay: subprocess.Popen[bytes] | None = None

    @property
    def pods(self) -> Path:
        return self.folder / "pods"

    @property
    def pids(self) -> dict[str, int]:
        """Of what runs now."""
        parts = {"filebeat": self._filebeat, "relay": self._relay}
        return {name: process.pid for name, process in parts.items() if process}

    @property
    def filebeat_log(self) -> str:
        return (self.folder / "filebeat.log").read_text()

    @property
    def relay_log(self) -> str:
        return (self.folder / "relay.log").read_text()

    def prepare(self) -> None:
        """Write what the chart would mount."""
        for name in ("pods", "state", "tls", "secret", "settings"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.write_broker()
        self.write_certificates()
        (self.folder / "filebeat.yml").write_text(self._adapted())

    def write_broker(self, **changes: object) -> None:
        """The relay's settings and its password."""
        broker = {
            "host": "localhost",
            "port": self.broker_port,
            "vhost": VHOST,
            "exchange": EXCHANGE,
            "routingKey": ROUTING_KEY,
            "user": USER,
        }
        (self.folder / "settings" / "relay.yaml").write_text(yaml.safe_dump({"broker": broker | changes}))
        (self.folder / "secret" / "brokerPassword").write_text(self.password)

    def write_certificates(self) -> None:
        """Those of both sides, and the broker's authority."""
        authority = (self.tls.folder / "ca.crt").read_bytes()
        for folder, names in (("tls", ("certificate", "key")), ("secret", ("serverCertificate", "serverKey"))):
            (self.folder / folder / "caCertificate").write_bytes(authority)
            source = "filebeat" if folder == "tls" else "relay"
            for name, ending in zip(names, ("crt", "key"), strict=True):
                (self.folder / folder / name).write_bytes((self.tls.folder / f"{source}.{ending}").read_bytes())
        (self.folder / "secret" / "brokerCaCertificate").write_bytes(authority)

    def _adapted(self) -> str:
        """The chart's configuration with this machine's paths and ports, without what filebeat 8.1.3 does not know."""
        text = self.configuration
        for path, here in (
            ("/var/log/pods", self.pods),
            ("/etc/jld/logging/tls", self.folder / "tls"),
            ("/var/lib/filebeat", self.folder / "state"),
        ):
            text = text.replace(path, str(here))
        data = yaml.safe_load(for_older_filebeat(text))
        data["output.logstash"]["hosts"] = [f"localhost:{self.relay_port}"]
        data["http"] |= {"host": "127.0.0.1", "port": self.stats_port}
        return yaml.safe_dump(data)

    def start_filebeat(self) -> None:
        """As its pod does: root without a capability."""
        without_rights = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
        words = ["-e", "--strict.perms=false", "-c", self.folder / "filebeat.yml"]
        self._filebeat = self._start([*without_rights, self.filebeat_program, *words], "filebeat")

    def start_relay(self, environment: Mapping[str, str] | None = None) -> None:
        script = (
            "import asyncio, sys; from pathlib import Path; from jldlogging.relay import __main__ as relay; "
            "relay.configure_log(); folder = Path(sys.argv[1]); "
            "asyncio.run(relay.run(folder / 'settings/relay.yaml', folder / 'secret', int(sys.argv[2]), int(sys.argv[3])))"
        )
        words = [sys.executable, "-c", script, self.folder, str(self.relay_port), str(self.metrics_port)]
        self._relay = self._start(words, "relay", environment)

    def _start(
        self, words: list[str | Path], name: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **(environment or {})},
            )

    def kill_filebeat(self) -> None:
        _end(self._filebeat, signal.SIGKILL)

    def kill_relay(self) -> None:
        _end(self._relay, signal.SIGKILL)

    def end_relay(self) -> None:
        """As Kubernetes ends its pod."""
        _end(self._relay, signal.SIGTERM)

    def stop(self) -> None:
        for process in (self._filebeat, self._relay):
            _end(process, signal.SIGKILL)

    def wait_for(self, text: str, log: str, seconds: float = 60.0) -> None:
        """Until a log has a text. Raises MachineError with the end of the log."""
        path, deadline = self.folder / f"{log}.log", time.monotonic() + seconds
        while text not in (path.read_text() if path.exists() else ""):
            if time.monotonic() > deadline:
                raise MachineError(f"{log} never wrote {text!r}:\n{tail(path)}")
            time.sleep(0.1)


def for_older_filebeat(configuration: str) -> str:
    """Without what 8.1.3 does not know: it knows files by their inodes, and leaves compressed ones alone."""
    data = yaml.safe_load(configuration)
    (source,) = data["filebeat.inputs"]
    for key in NEWER_KEYS:
        del source[key]
    source["file_identity.native"] = None
    source["prospector.scanner"]["exclude_files"].append(r"\.gz$")
    return yaml.safe_dump(data)


def _end(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process and process.poll() is None:
        process.send_signal(how)
        process.wait(60)
