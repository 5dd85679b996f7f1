"""A lab answers at every address of its pod, of IPv4 and of IPv6: a cluster may have either, or both."""

import socket
from pathlib import Path

from tests.ports import free_port

from .lab_program import command, environment, hub_api
from .processes import Program, answers


def test_the_lab_listens_on_ipv4_and_ipv6(tmp_path: Path) -> None:
    port = free_port()
    hosts = ["127.0.0.1"]
    if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
        hosts.append("[::1]")
    with hub_api() as (api, _):
        # As the spawner writes it into JUPYTERHUB_SERVICE_URL.
        lab = Program("lab", command(), environment(tmp_path, api, f"http://*:{port}/user/ada/"), tmp_path)
        lab.start()
        try:
            for host in hosts:
                lab.wait_until(lambda: answers(f"http://{host}:{port}/user/ada/api"))  # noqa: B023
        finally:
            lab.stop()
