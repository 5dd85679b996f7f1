"""What stays of a line of nginx's log of errors."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import CHART

SECRET = "c0de-of-a-login"


FILTER = CHART / "charts" / "nginx" / "files" / "errors.sed"


def cleaned(*lines: str) -> list[str]:
    """What the log's filter makes of these lines."""
    command = ["sed", "--regexp-extended", f"--file={FILTER}"]
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    done = subprocess.run(command, input=text, capture_output=True, check=True, env={"LC_ALL": "C"})
    return done.stdout.decode("ascii").split("\n")[:-1]


WHEN = "2026/11/23 10:20:30 [error] 8#8: *5 "
WHO = ', client: 192.0.2.1, server: jupyter.example.org, request: "GET /user/ada/lab?token=t HTTP/2.0"'
KEPT = ", client: 192.0.2.1, server: jupyter.example.org, request: GET /user/ada/lab"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (f"{WHEN}client 192.0.2.1 closed keepalive connection", f"{WHEN}client 192.0.2.1 closed keepalive connection"),
        (f'{WHEN}x{WHO}, host: "h", referrer: "https://r/?c"', f"{WHEN}x{KEPT}"),
        (
            f'{WHEN}x{WHO}, upstream: "http://10.1.2.3:8888/?t", host: "h"',
            f"{WHEN}x{KEPT}, upstream: http://10.1.2.3:8888",
        ),
        (f'{WHEN}x{WHO}, upstream: "http://[fd00::1]:80/?t"', f"{WHEN}x{KEPT}, upstream: http://[fd00::1]:80"),
        (f'{WHEN}x{WHO}, upstream: "http://routed/?t"', f"{WHEN}x{KEPT}"),
        (f"{WHEN}x{WHO[:-15]}", f"{WHEN}x{KEPT}"),  # cut off by nginx, at two kilobytes
        (
            f'{WHEN}x, client: fd00::1, server: y, request: "GET http://u:p@h/?c"',
            f"{WHEN}x, client: fd00::1, server: y",
        ),
        (f'{WHEN}x, client: unix:, server: y, request: "a?', f"{WHEN}x, client: unix:, server: y"),
        (f'{WHEN}open() "/tmp/a-b_1.html" failed (2: No){WHO}', f'{WHEN}open() "/tmp/a-b_1.html" failed (2: No){KEPT}'),
        (f'{WHEN}invalid header line: "Cookie: a="b"" while{WHO}', f'{WHEN}invalid header line: "..."{KEPT}'),
        (f'{WHEN}invalid header line: "Cookie: cut', f'{WHEN}invalid header line: "..."'),
        ("\t/etc/jld/lua/router.lua:12: in function 'lead'", "\t/etc/jld/lua/router.lua:12: in function 'lead'"),
        (f"\trouter.lua:1: in main chunk{WHO}", f"\trouter.lua:1: in main chunk{KEPT}"),
        (f"{WHEN}bad /x?token=t of ours{WHO}", f"{WHEN}bad /x?...{KEPT}"),
        ("\x1b[31mred \u00e9", ".[31mred .."),
        (', request: "GET /?t', ""),
    ],
)
def test_of_a_line_stays_what_happened_to_whom(line: str, kept: str) -> None:
    assert cleaned(line) == [kept]


PLACES = (
    f'{WHEN}x, client: 192.0.2.1, server: y, request: "GET /a?{{}} HTTP/1.1", host: "h"',
    f'{WHEN}x, client: 192.0.2.1, server: y, request: "{{}}", upstream: "http://10.0.0.1:80/?{{}}", host: "h"',
    f'{WHEN}x, client: 192.0.2.1, server: y, request: "GET /a HTTP/1.1", host: "{{}}", referrer: "{{}}"',
    f'{WHEN}client sent duplicate header line: "A: {{}}", previous value: "A: {{}}", client: 192.0.2.1, server: y',
    f"{WHEN}a mistake with /a?{{}}, client: 192.0.2.1, server: y",
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(PLACES),
    st.lists(st.sampled_from(['", ', "client: ", "request: ", 'upstream: "', "http://", '"', "?", "&a=", " ", "/"])),
    st.integers(0, 2),
)
def test_no_query_is_written_whatever_it_holds(place: str, parts: list[str], position: int) -> None:
    at = min(position, len(parts))
    query = "".join([*parts[:at], SECRET, *parts[at:]])
    assert SECRET not in cleaned(place.format(*[query] * place.count("{}")))[0]
