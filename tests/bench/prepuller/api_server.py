"""A real Kubernetes API server with its etcd on loopback, of the programs of the native cluster."""

import json
import secrets
import shutil
import ssl
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from jlddev.clusters import programs
from jlddev.support import pki, rootfs

from tests.hub.processes import Program
from tests.ports import free_port

CONTROLLER, ADMIN = "prepuller", "admin"  # users
IN_VAIN = " in vain"  # behind the verb of a request that failed
_AUDIT: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata", "users": [CONTROLLER]}, {"level": "None"}],
}


class ApiServer:
    """Knows the admin by a certificate, and the controller by a token. What the controller asked is in the audit log."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.certificates = folder, folder / "pki"
        identities = {
            "apiserver": pki.Identity("kube-apiserver", addresses=["127.0.0.1", "localhost"]),
            ADMIN: pki.Identity(ADMIN, "system:masters"),
        }
        pki.write_all(self.certificates, identities)
        token = secrets.token_hex(16)
        pki.write_private(folder / "tokens", f"{token},{CONTROLLER},{CONTROLLER}\n".encode())
        self.account = folder / "account"  # what a kubelet mounts of the controller's ServiceAccount
        self.account.mkdir()
        pki.write_private(self.account / "token", token.encode())
        shutil.copy(self.certificates / "ca.crt", self.account)
        self._port = free_port()
        self.url = f"https://127.0.0.1:{self._port}"
        self._audit = folder / "audit.log"
        (folder / "audit.yaml").write_text(yaml.safe_dump(_AUDIT))
        etcd_url = f"http://127.0.0.1:{free_port()}"
        self._etcd, self._server = self._make_etcd(etcd_url), self._make_server(etcd_url)

    @contextmanager
    def running(self) -> Iterator["ApiServer"]:
        self._etcd.start()
        try:
            self._server.start()
            self._server.wait_until(self._is_ready, 120)
            yield self
        finally:
            self._server.stop()
            self._etcd.stop()

    def requests(self) -> Counter[tuple[str, str]]:
        """How many the controller has made, by verb and resource.

        To create what is there already is told apart, and what was not done: a request that was under way when the controller ended.
        """
        counted: Counter[tuple[str, str]] = Counter()
        for line in self._audit.read_text().splitlines():
            event = json.loads(line)
            code = event.get("responseStatus", {}).get("code", HTTPStatus.OK)
            outcome = " again" if code == HTTPStatus.CONFLICT else IN_VAIN if code >= HTTPStatus.BAD_REQUEST else ""
            counted[event["verb"] + outcome, event.get("objectRef", {}).get("resource", "")] += 1
        return counted

    def _make_etcd(self, url: str) -> Program:
        peer_url = f"http://127.0.0.1:{free_port()}"
        words = [str(rootfs.node_root() / "usr" / "bin" / "etcd"), "--data-dir", str(self.folder / "etcd")]
        words += ["--unsafe-no-fsync", "--log-level", "warn", "--quota-backend-bytes", str(2**32)]
        words += ["--listen-client-urls", url, "--advertise-client-urls", url]
        words += ["--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url]
        words += ["--initial-cluster", f"default={peer_url}"]
        return Program("etcd", words, {}, self.folder)

    def _make_server(self, etcd_url: str) -> Program:
        keys = self.certificates
        options = {
            "etcd-servers": etcd_url,
            "bind-address": "127.0.0.1",
            "endpoint-reconciler-type": "none",  # loopback is no address to advertise
            "secure-port": self._port,
            "authorization-mode": "AlwaysAllow",
            # No controllers are here: nobody makes accounts, and nobody takes the taint away from a new node that is ready.
            "disable-admission-plugins": "ServiceAccount,TaintNodesByCondition",
            "service-cluster-ip-range": "10.96.0.0/16",
            "token-auth-file": self.folder / "tokens",
            "client-ca-file": keys / "ca.crt",
            "tls-cert-file": keys / "apiserver.crt",
            "tls-private-key-file": keys / "apiserver.key",
            "service-account-issuer": "https://bench",
            "service-account-key-file": keys / "service-accounts.key",
            "service-account-signing-key-file": keys / "service-accounts.key",
            "audit-policy-file": self.folder / "audit.yaml",
            "audit-log-path": self._audit,
            # What the bench itself asks is not what it measures.
            "max-requests-inflight": 2000,
            "max-mutating-requests-inflight": 2000,
        }
        words = [str(programs.build() / "kube-apiserver"), *(f"--{name}={value}" for name, value in options.items())]
        return Program("kube-apiserver", words, {}, self.folder)

    def _is_ready(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.certificates / "ca.crt"))
        context.load_cert_chain(str(self.certificates / f"{ADMIN}.crt"), str(self.certificates / f"{ADMIN}.key"))
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5, context=context) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
