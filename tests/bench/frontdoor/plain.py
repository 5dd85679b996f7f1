"""nginx without anything of ours: what can be reached."""

from pathlib import Path

import nginx_files
from peers import LOCAL, PROXY_CORE, USER, Peer, nginx, pinned, reader_of_log

from tests.hub.processes import Program


class Plain(Peer):
    """The limit: nginx that has nothing to decide, and may buffer."""

    name = "plain nginx, one fixed backend"

    def __init__(self, folder: Path, certificate: Path, backend: str, echo: str) -> None:
        super().__init__()
        home = folder / "plain"
        tls = nginx_files.tls(LOCAL, self.tls_port, certificate)
        text = nginx_files.proxy(home, USER, self.port, tls, {"/": backend, "= /ws": echo}, 512)
        self.programs = [Program("plain", pinned(PROXY_CORE, nginx(home, text)), {}, home)]


class Upstreams(Peer):
    """What can be reached: nginx that finds one of as many upstreams by its own means, and can be told of none without a reload."""

    name = "plain nginx, an upstream for each route"
    log = "off"

    def __init__(self, folder: Path, certificate: Path, backends: list[str], echo: str) -> None:
        super().__init__()
        home = folder / type(self).__name__
        tls = nginx_files.tls(LOCAL, self.tls_port, certificate)
        routes = {f"/user/{number}/": backend for number, backend in enumerate(backends, start=1)}
        log = self.log.format(home=home)
        text = nginx_files.proxy(home, USER, self.port, tls, {**routes, "= /ws": echo}, 64, log=log)
        self.programs = [Program("upstreams", pinned(PROXY_CORE, nginx(home, text)), {}, home)]


class Logging(Upstreams):
    """The same, which also says what it did, in nginx's own form."""

    name = "plain nginx, an upstream for each route, with a log"
    log = "{home}/log combined buffer=4k flush=1s"

    def __init__(self, folder: Path, certificate: Path, backends: list[str], echo: str) -> None:
        super().__init__(folder, certificate, backends, echo)
        self.readers = [reader_of_log(folder / type(self).__name__ / "log")]
