"""tests/standins/git_server.py as a pod of the lab's image, which has git, behind a certificate of its own."""

import base64
import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .release import Release
from .standin import HARDENED, LITTLE

NAME = "git-stand-in"
SOURCE = Path(__file__).parents[1] / "standins" / "git_server.py"


POLICY = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}


def opening(release: str) -> dict[str, object]:
    """How a site lets labs reach a server of its own in the cluster, whose pods have addresses of a private network."""
    labs = {"app.kubernetes.io/instance": release, "app.kubernetes.io/component": "lab"}
    server = {"podSelector": {"matchLabels": {"app": NAME}}}
    return {
        "podSelector": {"matchLabels": labs},
        "policyTypes": ["Egress"],
        "egress": [{"ports": [{"port": 8443}], "to": [server]}],
    }


class GitServer:
    def __init__(self, release: Release, image: str, api: str) -> None:
        self._release, self._image, self._api = release, image, api
        self.certificate = ""
        self.address = ""

    @property
    def url(self) -> str:
        return f"https://{self.address}:8443"

    def start(self) -> None:
        metadata = {"name": NAME, "labels": {"app": NAME}}
        self._apply(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metadata,
                "spec": {"selector": {"app": NAME}, "ports": [{"port": 8443}]},
            }
        )
        self.address = self._release.kubectl("get", "service", NAME, "--output=jsonpath={.spec.clusterIP}")
        self.certificate, key = certificate(self.address)
        files = {"git_server.py": SOURCE.read_text(), "tls.crt": self.certificate, "tls.key": key}
        data = {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}
        self._apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
        self._apply({**POLICY, "metadata": metadata, "spec": opening(self._release.name)})
        folder = "/stand-in"
        command = ["/usr/bin/python3", f"{folder}/git_server.py", "--root", "/tmp", "--api", self._api]
        command += ["--certificate", f"{folder}/tls.crt", "--key", f"{folder}/tls.key"]
        container = {
            "name": "git",
            "image": self._image,
            "imagePullPolicy": "IfNotPresent",
            "command": command,
            "securityContext": HARDENED,
            "volumeMounts": [{"name": "files", "mountPath": folder}, {"name": "tmp", "mountPath": "/tmp"}],
            "readinessProbe": {"tcpSocket": {"port": 8443}, "periodSeconds": 1},
            "resources": LITTLE,
        }
        pod = {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [{"name": "files", "secret": {"secretName": NAME}}, {"name": "tmp", "emptyDir": {}}],
        }
        self._apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})
        self._release.kubectl("wait", "--for=condition=Ready", f"pod/{NAME}", "--timeout=60s")

    def stop(self) -> None:
        kinds = ("pod", "service", "secret", "networkpolicy")
        self._release.kubectl("delete", *(f"{kind}/{NAME}" for kind in kinds), "--ignore-not-found")

    def _apply(self, document: object) -> None:
        self._release.apply(json.dumps(document))


def certificate(address: str) -> tuple[str, str]:
    """A certificate for one address, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem).decode(), private.decode()
