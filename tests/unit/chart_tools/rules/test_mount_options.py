"""With which options nodes may mount the homes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SITE = """\
global: {hostname: jupyter.example.org}
hub: {auth: {dummy: {users: [alice]}}}
nginx: {tls: {existingSecret: jupyter-tls}}
"""
BOTH = ("nfs", "external")
VERSION = "is not exactly NFS 4.1 or 4.2, and the file server speaks nothing else; write nfsvers=4.2"
NO_VERSION = "is no version of NFS that Linux mounts; write nfsvers=4.2, or what your server speaks"
LOST = "gives up on a server that is away for a while, and what was written is lost; write hard"
LOCKS = "is for NFS 3; in NFS 4 the server keeps the locks, so remove it"
CONTRADICTS = "contradicts another option of the list; remove one of the two"
TCP = "is no way to the file server, which speaks TCP only; write proto=tcp"
REFUSED = [  # modes, options, which of them is refused, why
    *((("nfs",), [option], 0, VERSION) for option in ("nfsvers=4.0", "vers=4", "vers=4.0", "nfsvers=3", "v3", "v4")),
    (("nfs",), ["minorversion=0"], 0, VERSION),
    (("nfs",), ["hard", "vers=2"], 1, VERSION),
    *((("external",), [option], 0, NO_VERSION) for option in ("vers=2", "nfsvers=4.3", "minorversion=7", "v2")),
    *((BOTH, ["nfsvers=4.2", option], 1, LOST) for option in ("soft", "softerr")),
    (BOTH, ["softreval"], 0, "shows files as they were while the server is away, as if they were still so; remove it"),
    (
        *(BOTH, ["bg"], 0),
        "lets a lab start before the files are mounted, so that its home is written to the node and lost; remove it",
    ),
    (BOTH, ["ro"], 0, "holds for every volume, so that no home could be written; write readOnly: true at a volume"),
    *((("nfs",), [option], 0, TCP) for option in ("proto=udp", "proto=rdma", "udp", "rdma")),
    (("nfs",), ["port=2050"], 0, "is no way to the file server, which listens on port 2049; remove it"),
    (("nfs",), ["sec=krb5p"], 0, "is unknown to the file server, which takes sec=sys only; remove it"),
    *((("nfs",), [option], 0, LOCKS) for option in ("nolock", "local_lock=all", "local_lock=flock")),
    *((("external",), ["nfsvers=4.1", option], 1, LOCKS) for option in ("nolock", "local_lock=posix")),
    *(
        (BOTH, pair, 1, CONTRADICTS)
        for pair in (
            *(["nfsvers=4.1", "vers=4.2"], ["vers=4.1", "minorversion=2"], ["timeo=50", "timeo=600"]),
            *(["ac", "noac"], ["noresvport", "resvport"], ["sync", "async"], ["noatime", "strictatime"]),
        )
    ),
    (("external",), ["vers=3", "minorversion=1"], 1, CONTRADICTS),
    (("external",), ["proto=tcp", "udp"], 1, CONTRADICTS),
]
ACCEPTED = [
    (BOTH, ["nfsvers=4.2", "proto=tcp", "hard", "timeo=50", "retrans=2", "noresvport", "noatime"]),
    (BOTH, ["vers=4", "minorversion=1", "tcp", "hard", "nosoftreval", "fg", "rw"]),
    (BOTH, ["vers=4.2", "minorversion=2", "nfsvers=4.2", "proto=tcp6", "port=2049", "sec=sys", "local_lock=none"]),
    (BOTH, ["nconnect=4", "rsize=1048576", "lookupcache=none", "nosuid", "nodev", "nocto"]),
    (BOTH, []),
    (("external",), ["nfsvers=3", "local_lock=all", "hard", "proto=udp"]),
    (("external",), ["v3", "nolock"]),
    *((("external",), [option]) for option in ("vers=4.0", "vers=4", "v4", "sec=krb5", "port=2050", "nolock")),
]
WARNED = (
    "storage.external.mountOptions: with NFS 3 a notebook hangs as soon as it locks a file; write local_lock=all too"
)


def site(mode: str, options: list[str]) -> str:
    server = "server: nfs.example.org, " if mode == "external" else "clients: [10.0.0.0/8], "
    return f"{SITE}storage: {{mode: {mode}, {mode}: {{{server}mountOptions: [{', '.join(options)}]}}}}\n"


@pytest.mark.parametrize(
    ("mode", "options", "index", "why"),
    [(mode, options, index, why) for modes, options, index, why in REFUSED for mode in modes],
)
def test_an_option_that_loses_files_or_that_no_server_takes_is_refused(
    mode: str, options: list[str], index: int, why: str, complaints: Callable[[str], list[str]]
) -> None:
    (found,) = complaints(site(mode, options))

    assert found.endswith(f": error: storage.{mode}.mountOptions[{index}]: {options[index]} {why}")


@pytest.mark.parametrize(
    ("mode", "options"), [(mode, options) for modes, options in ACCEPTED for mode in modes], ids=str
)
def test_other_options_are_accepted(mode: str, options: list[str], complaints: Callable[[str], list[str]]) -> None:
    assert complaints(site(mode, options)) == []


@pytest.mark.parametrize("mode", ["claim", "hostPath"])
def test_options_of_a_mode_that_is_not_chosen_are_not_looked_at(mode: str, desk: Any) -> None:
    desk.write("site.yaml", f"{SITE}storage: {{mode: {mode}, nfs: {{mountOptions: [soft]}}}}\n")

    assert desk.run("check", "site.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (["nfsvers=3"], True),
        (["v3", "local_lock=flock"], True),
        (["nfsvers=3", "local_lock=all"], False),
        (["vers=3", "nolock"], False),
        (["nfsvers=4.2"], False),
    ],
)
def test_nfs_3_without_local_locks_is_warned_about(options: list[str], warned: bool, desk: Any) -> None:
    desk.write("site.yaml", site("external", options))
    result = desk.run("check", "site.yaml")

    assert (result.exit_code, WARNED in result.output) == (0, warned)
