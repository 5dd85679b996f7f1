"""What a lab's programs trust: the authorities of its image, whatever image that is, and the site's."""

import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from jldhub.labs.inside import START, inside_files

PLACES = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/ssl/cert.pem",
)
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE")


class Lab:
    """The start program in an image whose files are below `image`, and a program in the place of Jupyter."""

    def __init__(self, folder: Path) -> None:
        self.image, self.files, self.programs = folder / "image", folder / "files", folder / "bin"
        self.home, self.run = folder / "home", folder / "run"
        for each in (self.image, self.programs, self.home, self.run):
            each.mkdir()
        for name, text in {**inside_files(), "hub-token": "made-up"}.items():
            file = self.files / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        script = (self.files / START).read_text()
        (self.files / START).write_text(script.replace(" /etc/", f" {self.image}/etc/"))

    def has(self, path: str, authority: trustme.CA | bytes) -> None:
        file = self.image / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(authority if isinstance(authority, bytes) else authority.cert_pem.bytes())

    def trusts(self, authority: trustme.CA | None) -> None:
        (self.files / "ca.crt").write_bytes(authority.cert_pem.bytes() if authority else b"")

    def start(self, program: str, path: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        jupyter = self.programs / "jupyterhub-singleuser"
        jupyter.write_text(f"#!/bin/sh\n{program}\n")
        jupyter.chmod(0o755)
        own = {
            "HOME": str(self.home),
            "JLD_FILES": str(self.files),
            "JLD_RUN": str(self.run),
            "CONDA_PREFIX": str(self.image),
        }
        own["PATH"] = f"{self.programs}:{path or os.environ['PATH']}"
        command = ["sh", str(self.files / START)]
        return subprocess.run(command, env=own | environment, capture_output=True, text=True, check=False, timeout=120)

    def bundle(self, path: str = "", **environment: str) -> set[bytes]:
        """The authorities in the file that the variables name."""
        done = self.start("\n".join(f'echo "${name}"' for name in VARIABLES), path, **environment)
        (name,) = set(done.stdout.split())
        return authorities(Path(name).read_text())


def authorities(pem: str) -> set[bytes]:
    context = ssl.create_default_context(cadata=pem)
    return set(context.get_ca_certs(binary_form=True))


def der(*made: trustme.CA) -> set[bytes]:
    return set().union(*(authorities(each.cert_pem.bytes().decode()) for each in made))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@pytest.fixture(scope="module")
def site() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def public() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("place", [*PLACES, "ssl/cacert.pem"])
def test_the_site_s_authorities_come_to_those_of_the_image(
    lab: Lab, site: trustme.CA, public: trustme.CA, place: str
) -> None:
    lab.has(place, public)
    lab.trusts(site)

    assert lab.bundle() == der(site, public)


def test_an_image_that_names_its_own_file_keeps_it(lab: Lab, site: trustme.CA, public: trustme.CA) -> None:
    lab.has("opt/ca.pem", public.cert_pem.bytes().rstrip(b"\n"))  # a last line without an end
    lab.has(PLACES[0], trustme.CA())
    lab.trusts(site)

    assert lab.bundle(SSL_CERT_FILE=str(lab.image / "opt/ca.pem")) == der(site, public)


def test_an_image_without_a_file_has_those_of_its_python(lab: Lab, site: trustme.CA) -> None:
    lab.trusts(site)
    bundle = lab.bundle(path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")

    assert der(site) < bundle
    assert len(bundle) > 50


def test_an_image_with_nothing_at_all_trusts_the_site_alone_and_says_so(lab: Lab, site: trustme.CA) -> None:
    for name in ("sh", "mkdir", "cat", "stat", "id"):
        (lab.programs / name).symlink_to(str(shutil.which(name)))
    lab.trusts(site)
    only = str(lab.programs)
    said = lab.start("true", only).stderr

    assert lab.bundle(path=only) == der(site)
    assert "this image has no certificate authorities of its own; only the site's are trusted" in said


def test_a_site_without_authorities_changes_nothing(lab: Lab) -> None:
    lab.trusts(None)
    done = lab.start("env")

    assert [line for line in done.stdout.splitlines() if line.startswith((*VARIABLES, "NODE_EXTRA"))] == []


class Server(SimpleHTTPRequestHandler):
    """Files over TLS. `asked` has the paths: a client that does not trust the certificate asks for none."""

    asked: set[str]

    def do_GET(self) -> None:
        self.asked.add(self.path.partition("?")[0])
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(site: trustme.CA, tmp_path: Path) -> Iterator[tuple[str, set[str]]]:
    """Its address, with a repository of git's at /demo.git, and what was asked for."""
    root = tmp_path / "served"
    run = partial(subprocess.run, check=True, capture_output=True)
    run(["git", "init", "--quiet", "--initial-branch=main", str(tmp_path / "demo")])
    run(["git", "-C", str(tmp_path / "demo"), "commit", "--quiet", "--allow-empty", "--message=first"])
    run(["git", "clone", "--quiet", "--bare", str(tmp_path / "demo"), str(root / "demo.git")])
    run(["git", "-C", str(root / "demo.git"), "update-server-info"])
    asked: set[str] = set()
    handler = type("Handler", (Server,), {"asked": asked})
    listening = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(root)))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    site.issue_cert("localhost").configure_cert(tls)
    listening.socket = tls.wrap_socket(listening.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"https://localhost:{listening.server_address[1]}", asked
    listening.shutdown()
    thread.join()
    listening.server_close()


PROGRAMS = {
    "/python": """{python} -c 'import urllib.request; urllib.request.urlopen("{url}/python")'""",
    "/requests": """{python} -c 'import requests; requests.get("{url}/requests")'""",
    "/httpx": """{python} -c 'import httpx; httpx.get("{url}/httpx")'""",
    "/simple/nothing/": "{python} -m pip download --quiet --retries=0 --index-url={url}/simple nothing",
    "/node": """{node} -e 'require("https").get("{url}/node")'""",
    "/curl": "curl --silent {url}/curl",
    "/demo.git/info/refs": "git ls-remote {url}/demo.git",
}


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not trusted"])
@pytest.mark.parametrize("path", PROGRAMS)
def test_what_people_run_trusts_the_site(
    lab: Lab, site: trustme.CA, public: trustme.CA, server: tuple[str, set[str]], path: str, trusted: bool
) -> None:
    url, asked = server
    lab.has(PLACES[0], public)
    lab.trusts(site if trusted else None)
    words = {"python": sys.executable, "node": str(Path(sys.executable).with_name("node")), "url": url}
    done = lab.start(PROGRAMS[path].format(**words))

    assert (path in asked) is trusted, done.stderr


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not trusted"])
def test_notebook_repositories_are_cloned_from_a_server_of_the_site(
    lab: Lab, site: trustme.CA, public: trustme.CA, server: tuple[str, set[str]], trusted: bool
) -> None:
    url, asked = server
    lab.has(PLACES[0], public)
    lab.trusts(site if trusted else None)
    until = 'for each in $(seq 300); do [ -s "$XDG_RUNTIME_DIR/repositories" ] && break; sleep 0.1; done'
    done = lab.start(f'{until}; cat "$XDG_RUNTIME_DIR/repositories"', JLD_REPOSITORIES=f"{url}/demo.git@main")

    assert done.stdout.startswith("notebooks/demo: cloned" if trusted else "notebooks/demo: left alone"), done.stdout
    assert bool(asked) is trusted
