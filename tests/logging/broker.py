"""A real RabbitMQ on this machine's loopback: the remote broker of log shipping, behind TLS."""

import base64
import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jlddev.support.errors import MachineError
from jlddev.support.run import tail

from tests.ports import free_port

USER, PASSWORD, VHOST = "pan", "s3cr/et&p@ss %25", "panopticon"
EXCHANGE, ROUTING_KEY, QUEUE = "logstash-exchange", "logstash", "logstash"
STARTS_WITHIN = 120.0  # seconds; 5 on a quiet machine
UID = 65534  # the files that it writes are this user's


@dataclass
class Broker:
    """A RabbitMQ with one vhost, user, exchange and queue. Its data outlive its end, as those of a StatefulSet do."""

    root: Path  # of the unpacked Debian with RabbitMQ
    folder: Path
    configuration: str  # lines of rabbitmq.conf, beside what this class writes
    definitions: Mapping[str, Any] = field(default_factory=dict)
    plugins: str = "[]."
    port: int = field(default_factory=free_port)
    address: str = "127.0.0.1"
    name: str = "remote"
    _process: subprocess.Popen[bytes] | None = None
    _distribution: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pids(self) -> dict[str, int]:
        """Of what started it, while it runs."""
        process = self._process
        return {"RabbitMQ": process.pid} if process else {}

    def write(self) -> None:
        """The configuration, before each start: what was changed meanwhile counts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        (self.folder / "rabbitmq.conf").write_text(
            f"{self.configuration}\ndefinitions.import_backend = local_filesystem\n"
            "definitions.local.path = /srv/definitions.json\nlog.console = true\nlog.console.level = info\nlog.file = false\n"
        )
        (self.folder / "definitions.json").write_text(json.dumps(self.definitions))
        (self.folder / "enabled_plugins").write_text(self.plugins)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, UID, UID)

    def start(self) -> None:
        """Start it and wait until it serves. Raises MachineError with the end of its log."""
        self.write()
        epmd, distribution = self._distribution
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/srv/data",
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_NODENAME": f"{self.name}@localhost",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_BASE": "/srv/data",
            "RABBITMQ_MNESIA_BASE": "/srv/data/mnesia",
            "RABBITMQ_LOG_BASE": "/srv/data/log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": "/srv/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "/srv/enabled_plugins",
            "RABBITMQ_CONF_ENV_FILE": "/srv/none",
            "RABBITMQ_PID_FILE": "/srv/data/pid",
        }
        words = [f"{name}={value}" for name, value in environment.items()]
        # In namespaces of its own: whatever it starts (epmd is a daemon) ends with it, and its folders are mounted for it alone.
        server = "/usr/lib/rabbitmq/bin/rabbitmq-server"
        script = (
            'mount --bind "$2" "$1/srv" && mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && root="$1" && shift 2 '
            f'&& exec chroot --userspec={UID}:{UID} "$root" env -i "$@" {server}'
        )
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*namespaces, "sh", "-c", script, "sh", self.root, self.folder, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._serves():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise MachineError(f"RabbitMQ did not start:\n{tail(self.log, 40)}")
            time.sleep(0.2)
        for queue in self.definitions.get("queues", ()):
            wait_until_kept(self.folder / "data" / "mnesia", queue["name"])

    def _serves(self) -> bool:
        try:
            with socket.create_connection((self.address, self.port), timeout=1):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """As the kernel does it when memory is short: from one moment to the next."""
        if self._process:
            signal_inside(self._process, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """As Kubernetes ends a pod: it closes its connections and writes what it has."""
        if self._process:
            signal_inside(self._process, signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def show(self, tls: Path) -> None:
        """Start it again with the certificate of another folder, as its operators do."""
        self.stop()
        for name in ("broker.crt", "broker.key"):
            (self.folder / "tls" / name).write_bytes((tls / name).read_bytes())
        self.start()

    def restart(self, seconds: float = 0.0) -> None:
        """Kill it, and start it after a while."""
        self.kill()
        time.sleep(seconds)
        self.start()


def wait_until_kept(data: Path, queue: str) -> None:
    """Until a quorum queue that is new would be found again after a kill: RabbitMQ writes its name down after some seconds.

    One that is not found comes without its messages, and never gets a leader. Raises MachineError.
    """
    deadline = time.monotonic() + STARTS_WITHIN
    while not any(queue.encode() in names.read_bytes() for names in data.glob("*/quorum/*/names.dets")):
        if time.monotonic() > deadline:
            raise MachineError(f"{data}: RabbitMQ never wrote down the queue {queue}")
        time.sleep(0.2)


def signal_inside(unshare: subprocess.Popen[bytes], signal_: signal.Signals) -> None:
    """Signal the first process of the namespace, with which all others in it end, and `unshare` after them.

    To kill `unshare` itself would leave them running: the kernel forgets to kill its child once that is another user.
    """
    for pid in Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text().split():
        os.kill(int(pid), signal_)


def remote_broker(root: Path, folder: Path, tls: Path, address: str = "127.0.0.1") -> Broker:
    """The remote RabbitMQ: TLS alone, with `ca.crt`, `broker.crt` and `broker.key` of the folder `tls`."""
    port = free_port()
    inside = folder / "tls"
    inside.mkdir(parents=True)
    for name in ("ca.crt", "broker.crt", "broker.key"):
        (inside / name).write_bytes((tls / name).read_bytes())
    configuration = (
        "listeners.tcp = none\n"
        f"listeners.ssl.1 = {address}:{port}\n"
        "ssl_options.cacertfile = /srv/tls/ca.crt\nssl_options.certfile = /srv/tls/broker.crt\n"
        "ssl_options.keyfile = /srv/tls/broker.key\nssl_options.verify = verify_none\n"
        "ssl_options.versions.1 = tlsv1.3\nssl_options.versions.2 = tlsv1.2\n"
    )
    return Broker(root, folder, configuration, definitions(), port=port, address=address)


def definitions(password: str = PASSWORD) -> dict[str, Any]:
    """What the operators of the remote broker have made there."""
    return {
        "users": [
            {
                "name": USER,
                "password_hash": password_hash(password),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": [],
            }
        ],
        "vhosts": [{"name": VHOST}],
        "permissions": [{"user": USER, "vhost": VHOST, "configure": "", "write": ".*", "read": ".*"}],
        "exchanges": [
            {
                "name": EXCHANGE,
                "vhost": VHOST,
                "type": "direct",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
        ],
        "queues": [
            {
                "name": QUEUE,
                "vhost": VHOST,
                "durable": True,
                "auto_delete": False,
                "arguments": {"x-queue-type": "quorum"},
            }
        ],
        "bindings": [
            {
                "source": EXCHANGE,
                "vhost": VHOST,
                "destination": QUEUE,
                "destination_type": "queue",
                "routing_key": ROUTING_KEY,
                "arguments": {},
            }
        ],
    }


def password_hash(password: str, salt: bytes = b"\x01\x02\x03\x04") -> str:
    """As RabbitMQ keeps a password: salt, and SHA-256 of salt and password."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def client_context(tls: Path) -> ssl.SSLContext:
    """What a client trusts: the authority of the folder."""
    return ssl.create_default_context(cafile=str(tls / "ca.crt"))
