"""With which options nodes may mount the homes and other volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SITE = """\
global: {hostname: jld.localhost}
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


OLD_FILES = (
    "nocto lets a lab go on with an old file after another one has saved it, and write over it; "
    "write storage.volumes.software.readOnly: true, or remove it"
)
BELONGS_TO_THE_MODE = (
    "write nocto, noexec, nosuid, nodev, or actimeo, acregmin, acregmax, acdirmin or acdirmax with a number of seconds, "
    "like actimeo=600; all else belongs to the mode's mountOptions"
)


def site_with_volume(mode: str, options: list[str], *, read_only: bool, of_the_mode: str = "hard") -> str:
    server = "server: nfs.example.org, " if mode == "external" else "clients: [10.0.0.0/8], "
    volume = f"{{mountPath: /software, readOnly: {str(read_only).lower()}, mountOptions: [{', '.join(options)}]}}"
    section = f"{mode}: {{{server}mountOptions: [{of_the_mode}]}}"
    return f"{SITE}storage: {{mode: {mode}, {section}, volumes: {{software: {volume}}}}}\n"


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(
    "option",
    [
        *("soft", "softerr", "hard", "nfsvers=4.0", "vers=4.2", "minorversion=1", "proto=udp", "port=2049", "sec=krb5"),
        *("noac", "ac", "sync", "async", "ro", "rw", "bg", "nolock", "local_lock=all", "nconnect=4", "timeo=50"),
        *("retrans=2", "resvport", "noresvport", "actimeo=0", "actimeo=-1", "actimeo", "acregmax=long", "softreval"),
    ],
)
def test_what_is_not_of_one_volume_alone_is_refused_there(
    mode: str, option: str, complaints: Callable[[str], list[str]]
) -> None:
    found, *_ = complaints(site_with_volume(mode, [option], read_only=True))

    assert "error: storage.volumes.software.mountOptions[0]: found " in found
    assert found.endswith(BELONGS_TO_THE_MODE)


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(
    ("options", "read_only", "of_the_mode", "index", "why"),
    [
        (["nocto"], False, "hard", 0, OLD_FILES),
        (["noexec", "nocto"], False, "nocto", 1, OLD_FILES),
        (["nocto"], True, "cto", 0, "nocto contradicts cto; remove one of the two"),
        (["actimeo=600"], True, "actimeo=3", 0, "actimeo=600 contradicts actimeo=3; remove one of the two"),
        (["acregmax=60", "acregmax=90"], True, "hard", 1, "acregmax=90 contradicts acregmax=60; remove one of the two"),
        (["noexec"], True, "exec", 0, "noexec contradicts exec; remove one of the two"),
    ],
)
def test_options_of_a_volume_fit_what_labs_do_and_what_the_mode_says(
    mode: str,
    options: list[str],
    read_only: bool,
    of_the_mode: str,
    index: int,
    why: str,
    complaints: Callable[[str], list[str]],
) -> None:
    (found,) = complaints(site_with_volume(mode, options, read_only=read_only, of_the_mode=of_the_mode))

    assert found.endswith(f": error: storage.volumes.software.mountOptions[{index}]: {why}")


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(
    ("options", "read_only"),
    [
        (["nocto", "actimeo=600"], True),
        (["acregmin=5", "acregmax=600", "acdirmin=30", "acdirmax=600"], True),
        (["actimeo=60", "noexec", "nosuid", "nodev"], False),
        ([], False),
    ],
)
def test_a_volume_may_ask_less_often(
    mode: str, options: list[str], read_only: bool, complaints: Callable[[str], list[str]]
) -> None:
    assert complaints(site_with_volume(mode, options, read_only=read_only)) == []


@pytest.mark.parametrize(
    ("section", "why"),
    [
        (
            "mode: hostPath, volumes: {x: {mountPath: /x, mountOptions: [noexec]}}",
            "has no effect with storage.mode hostPath",
        ),
        ("mode: claim, volumes: {x: {mountPath: /x, mountOptions: [noexec]}}", "has no effect with storage.mode claim"),
        (
            "mode: nfs, volumes: {x: {mountPath: /x, existingClaim: files, mountOptions: [noexec]}}",
            "has no effect on a claim that exists",
        ),
    ],
)
def test_options_that_nobody_mounts_with_are_warned_about(section: str, why: str, desk: Any) -> None:
    desk.write("site.yaml", f"{SITE}storage: {{{section}}}\n")
    result = desk.run("check", "site.yaml")

    assert (result.exit_code, f"storage.volumes.x.mountOptions: {why}; remove it" in result.output) == (0, True)
