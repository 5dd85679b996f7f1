"""The front door's HTTP/2, asked by h2spec frame by frame about what RFC 7540 and 7541 demand."""

import contextlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jlddev.clusters import programs
from jlddev.support.errors import Unsupported
from rendering import Question, render
from test_front_door import HubStandIn, needs_nginx, opened

pytestmark = [needs_nginx, pytest.mark.slow]

Case = tuple[str, str]  # section, what is sent

LENGTH = 'Sends a HEADERS frame with the "content-length" header field which does not equal the'

# All are of nginx itself: no setting changes them. None lets a request through as somebody else's, for nginx writes every request
# anew, as HTTP/1.1, for whom it passes it on to.
KNOWN: dict[str, set[Case]] = {
    "answered by nginx with 400, where the stream should be reset; it goes no further": {
        ("http2/8.1.2", "Sends a HEADERS frame that contains the header field name in uppercase letters"),
        ("http2/8.1.2.1", "Sends a HEADERS frame that contains a unknown pseudo-header field"),
        ("http2/8.1.2.1", "Sends a HEADERS frame that contains the pseudo-header field defined for response"),
        ("http2/8.1.2.3", 'Sends a HEADERS frame with empty ":path" pseudo-header field'),
        ("http2/8.1.2.3", 'Sends a HEADERS frame that omits ":method" pseudo-header field'),
        ("http2/8.1.2.3", 'Sends a HEADERS frame that omits ":scheme" pseudo-header field'),
        ("http2/8.1.2.3", 'Sends a HEADERS frame that omits ":path" pseudo-header field'),
        ("http2/8.1.2.3", 'Sends a HEADERS frame with duplicated ":method" pseudo-header field'),
        ("http2/8.1.2.3", 'Sends a HEADERS frame with duplicated ":scheme" pseudo-header field'),
        ("http2/8.1.2.3", 'Sends a HEADERS frame with duplicated ":path" pseudo-header field'),
    },
    "answered by nginx with 400, where the stream should be reset; who it goes to sees the connection end early": {
        ("http2/8.1.2.6", f"{LENGTH} DATA frame payload length"),
        ("http2/8.1.2.6", f"{LENGTH} sum of the multiple DATA frames payload length"),
    },
    "passed on as a usual request, with nginx's own headers for the connection": {
        (
            "http2/8.1.2.1",
            "Sends a HEADERS frame that contains a pseudo-header field that appears in a header block"
            " after a regular header field",
        ),
        ("http2/8.1.2.2", "Sends a HEADERS frame that contains the connection-specific header field"),
        (
            "http2/8.1.2.2",
            'Sends a HEADERS frame that contains the TE header field with any value other than "trailers"',
        ),
    },
    "thrown away, where the connection should be closed": {
        ("http2/5.1", "idle: Sends a DATA frame"),
        ("http2/5.1", "idle: Sends a RST_STREAM frame"),
        ("http2/5.1", "idle: Sends a WINDOW_UPDATE frame"),
        ("http2/5.1", "closed: Sends a DATA frame after sending RST_STREAM frame"),
        ("http2/5.1", "closed: Sends a DATA frame"),
        ("http2/6.4", "Sends a RST_STREAM frame on a idle stream"),
    },
    "no mistake: nginx allows frames as large as frames can be, and the length of h2spec's larger one comes out as 0": {
        ("http2/4.2", "Sends a large size DATA frame that exceeds the SETTINGS_MAX_FRAME_SIZE"),
        ("http2/4.2", "Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE"),
    },
    "no mistake: h2spec fills the largest frame that nginx allows, 16 MB, and takes no notice of how much nginx takes at once": {
        ("http2/4.2", "Sends a DATA frame with 2^14 octets in length"),
    },
    "read as if it were right; the header that comes out is the one that was sent": {
        ("hpack/4.2", "Sends a dynamic table size update at the end of header block"),
        ("hpack/5.2", "Sends a Huffman-encoded string literal representation with padding longer than 7 bits"),
    },
    "the connection is closed, for nginx reads no trailers of requests; no browser sends any": {
        ("generic/4", "Sends a POST request with trailers"),
    },
}


class Listener(HubStandIn):
    """A stand-in for the hub that reads what is posted before it answers."""

    def do_POST(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            # To the end, or an answer could overtake what h2spec still sends.
            while length := int(self.rfile.readline() or b"0", 16):
                self.rfile.read(length + len(b"\r\n"))
            self.rfile.readline()
        else:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a request that is broken off is broken off here too
            super().handle()


SECTIONS = ("generic", "hpack", "http2/3", "http2/4", "http2/5", "http2/6", "http2/7", "http2/8")


@pytest.fixture(scope="module")
def outcome(values: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[Case, bool]:
    """Each of h2spec's cases, and whether it passed."""
    try:
        program = programs.build_h2spec()
    except Unsupported as reason:
        pytest.skip(str(reason))
    folder = tmp_path_factory.mktemp("h2")
    # h2spec asks for the site by the name that it connects to.
    with opened(render(Question(values["local"], ('global.hostname="localhost"',))), folder, Listener) as door:

        def ask(section: str) -> list[ElementTree.Element]:
            report = folder / f"{section.replace('/', '-')}.xml"
            words = ["--tls", "--insecure", "--host", "localhost", "--port", str(door.ports.https)]
            done = subprocess.run(
                [program, section, *words, "--timeout", "2", "--junit-report", report],
                capture_output=True,
                text=True,
                check=False,
                timeout=900,
            )
            assert report.exists(), done.stdout + done.stderr
            return list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - of a program that we built

        with ThreadPoolExecutor(len(SECTIONS)) as pool:  # they mostly wait
            cases = [case for cases in pool.map(ask, SECTIONS) for case in cases]
    assert not [case for case in cases if case.find("skipped") is not None]
    return {(case.attrib["package"], case.attrib["classname"]): case.find("error") is None for case in cases}


def test_all_of_h2specs_cases_are_asked(outcome: dict[Case, bool]) -> None:
    assert len(outcome) == 145


def test_http2_is_spoken_as_the_standard_has_it_except_where_nginx_is_known_not_to(outcome: dict[Case, bool]) -> None:
    failed = {case for case, passed in outcome.items() if not passed}
    assert failed == {case for cases in KNOWN.values() for case in cases}
