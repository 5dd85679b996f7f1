"""The seven keys of the original's log shipping. It shipped logs when it was given all of them, and none otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from jld.schema.legacy_keys import KEYS
from jld.secrets.formats import BROKER_PASSWORD
from jld.site.tree import Node
from jld.start.legacy_values import NotMigrated, text_of
from jld.start.new_site import NewSite
from jld.support.errors import Problem
from jld.support.key_paths import KeyPath, dotted

ENABLED: KeyPath = ("logging", "enabled")
BROKER: KeyPath = ("logging", "broker")
TLS: KeyPath = ("logging", "tls")
_BROKER_CA: KeyPath = (*BROKER, "caCertificate")
_BROKER_CA_FILE = "broker-ca.pem"  # the original sent logs without TLS, so an old file names none
_FILES = {"beats_cert": "certificate", "beats_ca": "caCertificate", "beats_key": "key"}  # belong together
_PATHS: dict[str, KeyPath] = {
    "shipper_name": ("logging", "shipperName"),
    "rabbitmq_target_host": (*BROKER, "host"),
    "rabbitmq_target_vhost": (*BROKER, "vhost"),
    "rabbitmq_pan_password": BROKER_PASSWORD,
    **{name: (*TLS, key) for name, key in _FILES.items()},
}
_NEEDED_TODAY = ("rabbitmq_target_host", "rabbitmq_pan_password")  # the others have defaults, or are made


class LogShipping(NewSite):
    """Converts these keys. Who inherits it calls `_from_<name>` for each, and `_finish_logging` at the end."""

    def _given(self, name: str) -> Node | None:
        """The value that the old file has for `name`."""
        raise NotImplementedError

    def _from_shipper_name(self, node: Node) -> list[KeyPath]:
        return self._set(_PATHS["shipper_name"], text_of(node))

    def _from_rabbitmq_target_host(self, node: Node) -> tuple[list[KeyPath], str]:
        """It stood in an address (`amqp://pan:PASSWORD@HOST/VHOST`), so it may have a port: the one without TLS."""
        host, _, port = text_of(node).partition(":")
        remark = f"without port {port}: logging.broker.port is the one with TLS" if port.isdigit() else ""
        name = host if remark else text_of(node)
        return self._set(_PATHS["rabbitmq_target_host"], name.lower().rstrip(".")), remark

    def _from_rabbitmq_target_vhost(self, node: Node) -> list[KeyPath]:
        return self._set(_PATHS["rabbitmq_target_vhost"], unquote(text_of(node)))  # it stood in that address too

    def _from_rabbitmq_pan_password(self, node: Node) -> tuple[list[KeyPath], str]:
        password = text_of(node)
        if not password.isprintable():
            raise NotMigrated("what it holds (not shown) is not one line of text")
        return self._set_secret(BROKER_PASSWORD, password)

    def _from_beats_cert(self, node: Node) -> tuple[list[KeyPath], str]:
        remark = "whom filebeat connects to shows it too, so it has to name logging.serviceName; see docs/logging.md"
        return self._tls_file("beats_cert", node), remark

    def _from_beats_ca(self, node: Node) -> list[KeyPath]:
        return self._tls_file("beats_ca", node)

    def _from_beats_key(self, node: Node) -> list[KeyPath]:
        return self._tls_file("beats_key", node)

    def _tls_file(self, name: str, node: Node) -> list[KeyPath]:
        missing = [other for other in _FILES if other != name and self._tls_path(other) is None]
        if missing:
            raise NotMigrated(f"it is nothing without {_listed(missing)}; without all three `jld values` makes its own")
        return self._set(_PATHS[name], self._file(node))

    def _tls_files_of_folder(self) -> list[KeyPath]:
        """Those of the original's folder of certificates, which matter only to who shipped logs."""
        if not any(self._given(name) for name in _PATHS) or not all(self._tls_path(name) for name in _FILES):
            return []
        of_folder = [name for name in _FILES if not self._given(name)]
        return [path for name in of_folder for path in self._set(_PATHS[name], self._tls_path(name))]

    def _tls_path(self, name: str) -> str | None:
        """The path of one of the three files, given by itself or by their folder. None where there is none."""
        folder = self._given("certificate_directory")
        try:
            node = self._given(name) or (Node(f"{text_of(folder).rstrip('/')}/{name}.pem") if folder else None)
            return self._file(node) if node else None
        except NotMigrated:
            return None

    def _finish_logging(self) -> None:
        """Ship logs where the original did, or say what it would have needed."""
        missing = [name for name, path in _PATHS.items() if not self._has(path)]
        if not missing:
            self._set(ENABLED, True)
            self._set(_BROKER_CA, _BROKER_CA_FILE)
            sentence = (
                "the original sent logs without TLS, and the broker is verified now; put the authorities that signed its "
                f"certificate into {_BROKER_CA_FILE} beside the site file"
            )
            self.warnings.append(Problem(None, dotted(_BROKER_CA), sentence))
        elif any(self._given(name) for name in _PATHS):
            needed = _listed([f"{name} (now {KEYS[name]})" for name in missing])
            write = _listed([*(KEYS[name] for name in missing if name in _NEEDED_TODAY), f"{dotted(ENABLED)}: true"])
            sentence = (
                f"the original shipped no logs without {needed}, so none are shipped; to ship them, write {write}"
            )
            self.warnings.append(Problem(None, "logging", sentence))


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
