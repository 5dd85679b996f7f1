"""IPv6 at the front door, and nodes whose kernel has none."""

import ctypes
import errno
import platform
import socket
import struct
import subprocess
import time
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
from rendering import Question, render
from test_front_door import HOSTNAME, certificate_into, needs_nginx, nginx_program, opened
from test_front_door_modes import BEHIND, OFFLOAD

from tests import local_nginx
from tests.ports import free_port

pytestmark = needs_nginx
MODES: dict[str, tuple[str, ...]] = {"service": (), "offload": OFFLOAD, **BEHIND}
FOLDER = "/proc/sys/net/ipv6/"


def kernel_without_ipv6() -> None:
    """A stand-in for a node with `ipv6.disable=1`, in a child: the kernel has no such sockets any more (seccomp)."""
    number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
    load, equal, answer = 0x20, 0x15, 0x06
    steps = [
        (load, 0, 0, 0),  # which system call
        (equal, 0, 3, number),  # socket(2), or let it be
        (load, 0, 0, 16),  # its first argument
        (equal, 0, 1, socket.AF_INET6),
        (answer, 0, 0, 0x00050000 | errno.EAFNOSUPPORT),
        (answer, 0, 0, 0x7FFF0000),
    ]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((38, 1, 0, 0, 0), (22, 2, ctypes.byref(program), 0, 0)):  # no new privileges; this filter
        if libc.prctl(*words):
            raise OSError(ctypes.get_errno(), "prctl")


@pytest.fixture(params=MODES)
def written(request: pytest.FixtureRequest, values: dict[str, Path], tmp_path: Path) -> tuple[Path, local_nginx.Ports]:
    """The configuration of each mode, with metrics, and its ports."""
    changes = (*MODES[request.param], 'nginx.metrics.scrapers=[{"namespace": "monitoring"}]')
    rendered = render(Question(values["local"], changes))
    ports = local_nginx.Ports(free_port(), free_port(), free_port(), metrics=free_port())
    certificate_into(tmp_path / "tls")
    config, lua = (rendered.one("ConfigMap", name)["data"] for name in ("jld-nginx", "jld-nginx-lua"))
    return local_nginx.write(config, lua, tmp_path, ports), ports


def test_nginx_starts_on_a_node_without_ipv6(written: tuple[Path, local_nginx.Ports], tmp_path: Path) -> None:
    file, ports = written
    for each in file.parent.glob("*.conf"):
        each.write_text(each.read_text().replace(FOLDER, f"{tmp_path}/that/is/not/there/"))
    command = [str(nginx_program()), "-e", "stderr", "-c", str(file)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=kernel_without_ipv6)
    try:
        deadline = time.monotonic() + 10
        while True:
            with suppress(ConnectionError):
                connection = HTTPConnection("127.0.0.1", ports.api, timeout=10)
                connection.request("GET", "/nginx-health")
                assert connection.getresponse().status == 200
                break
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline, "nginx does not answer"
            time.sleep(0.05)
        socket.create_connection(("127.0.0.1", ports.metrics), timeout=10).close()
        socket.create_connection(("127.0.0.1", ports.http), timeout=10).close()
    finally:
        process.terminate()
        process.wait(10)


def test_the_stand_in_for_such_a_node_keeps_nginx_from_listening(written: tuple[Path, local_nginx.Ports]) -> None:
    """Without its folder's absence: what the test before tells apart."""
    command = [str(nginx_program()), "-e", "stderr", "-c", str(written[0])]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, preexec_fn=kernel_without_ipv6
    )
    assert done.returncode != 0
    assert "Address family not supported by protocol" in done.stderr


@pytest.mark.skipif(not Path(FOLDER).exists(), reason="this machine's kernel has no IPv6")
@pytest.mark.parametrize("mode", MODES)
def test_over_ipv6_all_is_as_over_ipv4(values: dict[str, Path], tmp_path: Path, mode: str) -> None:
    ask = "GET {} HTTP/1.1\r\nHost: {}\r\nX-Forwarded-Proto: https\r\n\r\n"
    with opened(render(Question(values["local"], MODES[mode])), tmp_path) as door:
        for host in (HOSTNAME, "other.example.org", "[::1]"):
            for path in ("/hub/home", "/", "/jld-health"):
                both = [
                    door.send(ask.format(path, host), door.ports.http, address=address).status
                    for address in ("127.0.0.1", "::1")
                ]
                assert both[0] == both[1], (path, host)
        with socket.create_connection(("::1", door.ports.api), timeout=10):
            pass
