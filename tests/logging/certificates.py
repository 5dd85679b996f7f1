"""The certificates of a log shipping: of the broker, of whom filebeat connects to, and filebeat's own."""

from datetime import datetime
from pathlib import Path

import trustme


class Authority:
    """An authority and the folder with what it signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._ca = trustme.CA()
        self._ca.cert_pem.write_to_path(str(folder / "ca.crt"))

    def issue(self, name: str, *hosts: str, until: datetime | None = None) -> None:
        """Write `<name>.crt` and `<name>.key` for these hosts, in the place of earlier ones."""
        issued = self._ca.issue_cert(*hosts, not_after=until) if until else self._ca.issue_cert(*hosts)
        (self.folder / f"{name}.crt").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        (self.folder / f"{name}.key").write_bytes(issued.private_key_pem.bytes())
