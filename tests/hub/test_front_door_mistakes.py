"""A mistake in any of our nginx's Lua is in its log, with its file and line, and no query of any address."""

import re
from pathlib import Path

import pytest

from tests.ports import free_port

from .front_door import FrontDoor, needs_nginx, rendered
from .test_front_door_errors import assert_no_secret, handshake, lab, logged, unsuspecting, until_logged, visit
from .test_front_door_routes import tell

pytestmark = needs_nginx
__all__ = ["lab"]
MISTAKE = "a mistake of ours"
ALL = (
    'nginx.metrics.scrapers=[{"namespace": "monitoring"}]',
    "nginx.tls.selfSigned=false",
    'nginx.tls.letsencrypt.email="operator@example.org"',
)


def hooks() -> dict[str, tuple[str, str]]:
    """Each place of the configuration that calls Lua, and the module and function it calls."""
    found = {}
    for text in rendered(*ALL).one("ConfigMap", "jld-nginx")["data"].values():
        for directive, block in re.findall(r"(\w+_by_lua)_block \{(.*?)\}\n", text, re.DOTALL):
            for module, function in re.findall(r'require\("(\w+)"\)\.(\w+)', block):
                found[f"{directive} {module}.{function}"] = (module, function)
    return found


HOOKS = hooks() | {"a timer names.refresh": ("names", "refresh"), "a timer notes.write": ("notes", "write")}
AT_START = [name for name in HOOKS if name.startswith("init_by_lua")]
LATER = [name for name in HOOKS if name not in AT_START]


def with_a_mistake(folder: Path, name: str) -> tuple[FrontDoor, str]:
    """A front door whose Lua fails in this function, and the line that fails."""
    door = FrontDoor(folder, free_port(), free_port(), changes=ALL)
    (door.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    door.change("nginx/routes.conf", '"/etc/resolv.conf"', f'"{door.folder}/resolv.conf", {free_port()}')
    module, function = HOOKS[name]
    file = door.folder / "lua" / f"{module}.lua"
    lines = file.read_text().split("\n")
    heads = rf"(local )?function (\w+\.)?{function}\(.*\)|\w+\.{function} = function ?\(.*\)"
    (number,) = [index for index, line in enumerate(lines) if re.fullmatch(heads, line)]
    lines[number] += f' error("{MISTAKE}")'
    file.write_text("\n".join(lines))
    return door, f"{module}.lua:{number + 1}: {MISTAKE}"


def test_every_place_that_calls_lua_is_known() -> None:
    assert {name.split()[0] for name in HOOKS} >= {
        "init_by_lua",
        "init_worker_by_lua",
        "rewrite_by_lua",
        "balancer_by_lua",
        "header_filter_by_lua",
        "log_by_lua",
        "content_by_lua",
        "ssl_certificate_by_lua",
    }


@pytest.mark.parametrize("name", LATER)
def test_a_mistake_in_the_lua_is_in_the_log(tmp_path: Path, lab: str, name: str) -> None:
    door, line = with_a_mistake(tmp_path, name)
    door.start()
    try:
        dead, below = f"127.0.0.1:{free_port()}", f"{lab}/below"
        for path, target in (("/", lab), ("/dead", dead), ("/named", "docs.example:80"), ("/below", below)):
            try:
                tell(door, path, target)
            except AssertionError:
                assert "api.serve" in name
        if "api.serve" not in name:
            for path in ("/200", "/dead/x", "/named/x", "/below/200"):
                visit(door.url + path)
        visit(f"http://127.0.0.1:{door.http_port}/.well-known/acme-challenge/token")
        visit(f"{door.api_url}/nginx-ready")
        visit(f"http://127.0.0.1:{door.metrics_port}/metrics")
        try:
            handshake(door, unsuspecting())
        except OSError:
            assert "ssl_certificate_by_lua" in name
        until_logged(door, line)
        assert_no_secret(door)
    finally:
        door.stop()


@pytest.mark.parametrize("name", AT_START)
def test_a_mistake_at_start_is_in_the_log(tmp_path: Path, name: str) -> None:
    door, line = with_a_mistake(tmp_path, name)
    try:
        with pytest.raises(AssertionError):
            door.start()
    finally:
        door.stop()
    assert line in logged(door)
