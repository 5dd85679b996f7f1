"""Ask the hub for its version through the front door, as a browser would.

`front_door_check.py SERVICE HOSTNAME CERTIFICATE ROUTE FIRST_LINE`, run by `helm test`. The connection goes to the Service, because the DNS
name may not lead here yet; name and certificate are checked all the same. The certificate that was installed is trusted as it is, so
that one of a private authority passes too. Where it is empty the front door speaks no TLS: whoever is in front of it does. FIRST_LINE is sent
ahead, for the PROXY protocol; ROUTE is where the hub lies.
"""

import http.client
import json
import socket
import ssl
import sys


def fetch(service: str, hostname: str, trust: ssl.SSLContext | None, first_line: str, path: str) -> bytes:
    """Return what the hub answers at `path`; anything but 200 ends the check with a sentence."""
    connection = http.client.HTTPConnection(hostname, timeout=10)
    address, _, port = service.partition(":")
    plain = socket.create_connection((address, int(port or (443 if trust else 80))), timeout=10)
    if first_line:
        plain.sendall(f"{first_line}\r\n".encode())
    connection.sock = trust.wrap_socket(plain, server_hostname=hostname) if trust else plain
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise SystemExit(f"https://{hostname}{path} answers {answer.status}: {body[:300]!r}")
    return body


def trusted(certificate: str) -> ssl.SSLContext | None:
    """Who trusts this certificate and no other."""
    if not certificate:
        return None
    trust = ssl.create_default_context(cafile=certificate)
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return trust


def main(service: str, hostname: str, certificate: str, route: str, first_line: str) -> None:
    """Fail with a sentence unless the hub answers."""
    trust = trusted(certificate)
    try:
        fetch(service, hostname, trust, first_line, f"{route}hub/health")
        about = json.loads(fetch(service, hostname, trust, first_line, f"{route}hub/api"))
    except (OSError, http.client.HTTPException, ValueError) as failure:
        raise SystemExit(f"https://{hostname} through {service}: {failure}") from failure
    if not isinstance(about, dict) or not about.get("version"):
        raise SystemExit(f"https://{hostname}{route}hub/api names no version: {about!r}")
    print(f"https://{hostname}{route} leads to JupyterHub {about['version']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
