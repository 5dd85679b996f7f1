"""The NFS server's settings: good ones are read, all others are refused with place, cause and remedy."""

import itertools
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jld_nfs_server import STATE, VOLUME, ganesha_configuration, write_configuration
from nfs_settings import LARGEST_FILE, Export, Refused, Settings, parse_settings, read_settings

IDENTITY = "0b7c6a0e-3d1a-4a44-9f0e-2f6f4f1d9a55"


def document(**changes: object) -> dict[str, Any]:
    """Settings as the chart writes them."""
    exports = {
        "home": {"mode": "0755", "readOnly": False},
        "scratch": {"mode": "1777", "readOnly": False, "squash": "root"},
        "software": {"mode": "0755", "readOnly": True},
    }
    good = {"exports": exports, "clients": ["10.0.0.0/8", "fd00::/8"], "gracePeriod": 8, "leaseLifetime": 6}
    return {**good, **changes}


def test_good_settings_are_read(tmp_path: Path) -> None:
    file = tmp_path / "nfs.yaml"
    file.write_text(yaml.safe_dump(document()))
    assert read_settings(file) == Settings(
        exports=(
            Export("home", 0o755, read_only=False, squash="none"),
            Export("scratch", 0o1777, read_only=False, squash="root"),
            Export("software", 0o755, read_only=True, squash="none"),
        ),
        clients=("10.0.0.0/8", "fd00::/8"),
        grace_period=8,
        lease_lifetime=6,
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"exports": {}}, "exports: 0 trees; name 1 to 32"),
        ({"exports": []}, "exports: a list is not a mapping; write keys with values"),
        ({"exports": {"../etc": {}}}, "exports: '../etc' is not a name; use a-z, 0-9 and '-', at most 63 characters"),
        ({"exports": {"a;}": {}}}, "exports: 'a;}' is not a name"),
        ({"exports": {"home\n": {}}}, r"exports: 'home\n' is not a name"),
        ({"exports": {".jld-nfs": {}}}, "exports: '.jld-nfs' is not a name"),
        ({"exports": {1: {}}}, "exports: 1 is not a name"),
        ({"exports": {"home": {"readOnly": False}}}, "exports.home: the key 'mode' is missing; add it"),
        (
            {"exports": {"home": {"mode": "0755", "readOnly": False, "sqash": "none"}}},
            "exports.home: the key 'sqash' is not known; write mode, readOnly, squash",
        ),
        (
            {"exports": {"home": {"mode": 0o755, "readOnly": False}}},
            "exports.home.mode: 493 is not a mode; write four octal digits in quotes, like '0755'",
        ),
        ({"exports": {"home": {"mode": "0855", "readOnly": False}}}, "exports.home.mode: '0855' is not a mode"),
        (
            {"exports": {"home": {"mode": "0755", "readOnly": "no"}}},
            "exports.home.readOnly: 'no' is not true or false; write one of them",
        ),
        (
            {"exports": {"home": {"mode": "0755", "readOnly": False, "squash": "all"}}},
            "exports.home.squash: 'all' is not known; write one of none, root",
        ),
        ({"clients": "10.0.0.0/8"}, "clients: '10.0.0.0/8' is not a list; write networks like [10.0.0.0/8], or []"),
        ({"clients": ["10.0.0.1/8"]}, "clients[0]: '10.0.0.1/8' is not a network; write an address and a prefix"),
        ({"clients": ["*"]}, "clients[0]: '*' is not a network"),
        ({"clients": [10]}, "clients[0]: 10 is not a network"),
        ({"gracePeriod": "8s"}, "gracePeriod: '8s' is not a number of seconds; write 1 to 270"),
        ({"gracePeriod": True}, "gracePeriod: True is not a number of seconds"),
        ({"gracePeriod": 10**5000}, "gracePeriod: a huge number is not a number of seconds"),
        ({"leaseLifetime": 181}, "leaseLifetime: 181 is not a number of seconds; write 1 to 180"),
        (
            {"gracePeriod": 5, "leaseLifetime": 6},
            "gracePeriod: 5 is shorter than leaseLifetime 6, so idle clients would lose their locks when the server "
            "restarts; give it at least the same",
        ),
        ({"graceperiod": 5}, "the file: the key 'graceperiod' is not known; write exports, clients, gracePeriod"),
    ],
)
def test_a_wrong_setting_is_refused_in_a_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse_settings(document(**changes))
    assert str(refusal.value).startswith(sentence)


@pytest.mark.parametrize("key", ["exports", "clients", "gracePeriod", "leaseLifetime"])
def test_a_missing_key_is_refused(key: str) -> None:
    settings = document()
    del settings[key]
    with pytest.raises(Refused, match=f"the file: the key '{key}' is missing; add it"):
        parse_settings(settings)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"exports: {home: [\n", "line 2 is not YAML; correct it"),
        (b"exports: !!python/object/apply:os.system [id]", "line 1 is not YAML"),
        (b"[" * 20_000, "is not YAML"),
        (b"\xff\xfe\xff", "is not YAML"),
        (b"gracePeriod: 2001-99-99", "is not YAML"),
        (b"# " * LARGEST_FILE, "131072 bytes are no settings of an NFS server; at most 65536 are read"),
        (b"", "the file: None is not a mapping; write keys with values"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, text: bytes, sentence: str) -> None:
    file = tmp_path / "nfs.yaml"
    file.write_bytes(text)
    with pytest.raises(Refused) as refusal:
        read_settings(file)
    assert sentence in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"nfs\.yaml: No such file or directory; mount the settings there"):
        read_settings(tmp_path / "nfs.yaml")


def test_aliases_that_grow_are_refused_without_growing(tmp_path: Path) -> None:
    levels = [f"&l{number} [{', '.join([f'*l{number - 1}'] * 9)}]" for number in range(1, 30)]
    file = tmp_path / "nfs.yaml"
    file.write_text("exports: [&l0 [x], " + ", ".join(levels) + "]")
    with pytest.raises(Refused, match="the file: the key 'clients' is missing"):
        read_settings(file)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(st.sampled_from(["exports", "clients", "gracePeriod", "leaseLifetime"]), anything)
def test_whatever_stands_there_is_read_or_refused(key: str, value: object) -> None:
    with suppress(Refused):
        assert parse_settings(document(**{key: value}))


def test_two_names_with_one_number_are_refused() -> None:
    """File handles hold the number, so it must tell the exports apart."""
    found: dict[int, str] = {}
    for name in map("tree-{}".format, itertools.count()):
        other = found.setdefault(Export(name, 0o755, False, "none").export_id, name)
        if other != name:
            break
    exports = {each: {"mode": "0755", "readOnly": False} for each in (other, name)}
    with pytest.raises(Refused, match=f"exports.{name}: has the same number as '{other}'; choose another name"):
        parse_settings(document(exports=exports))


def test_an_exports_number_does_not_hang_on_the_others() -> None:
    before = {each.name: each.export_id for each in parse_settings(document()).exports}
    exports = {"archive": {"mode": "0755", "readOnly": True}, **document()["exports"]}
    after = {each.name: each.export_id for each in parse_settings(document(exports=exports)).exports}
    assert {name: after[name] for name in before} == before


def test_where_clients_are_named_nobody_else_may_do_anything() -> None:
    home = {"home": {"mode": "0755", "readOnly": False}}
    text = ganesha_configuration(parse_settings(document(exports=home)), IDENTITY, VOLUME, STATE)
    number = Export("home", 0o755, False, "none").export_id
    assert text[text.index("EXPORT {") :] == (
        "EXPORT {\n"
        f"  Export_Id = {number};\n"
        '  Path = "/export/home";\n'
        '  Pseudo = "/home";\n'
        f"  Filesystem_Id = {number}.{number};\n"
        "  Protocols = 4;\n"
        "  Transports = TCP;\n"
        "  SecType = sys;\n"
        "  Anonymous_Uid = 65534;\n"
        "  Anonymous_Gid = 65534;\n"
        "  Access_Type = NONE;\n"
        "  FSAL {\n"
        "    Name = VFS;\n"
        "  }\n"
        "  CLIENT {\n"
        "    Clients = 10.0.0.0/8, fd00::/8;\n"
        "    Protocols = 4;\n"
        "    Access_Type = RW;\n"
        "    Squash = No_Root_Squash;\n"
        "  }\n"
        "}\n"
    )


def test_where_none_are_named_everybody_may_mount() -> None:
    text = ganesha_configuration(parse_settings(document(clients=[])), IDENTITY, VOLUME, STATE)
    assert "CLIENT" not in text
    assert text.count("Access_Type = RW;\n") == 2
    assert text.count("Access_Type = RO;\n") == 1


def test_clients_find_the_same_server_and_its_state_after_a_restart() -> None:
    text = ganesha_configuration(parse_settings(document()), IDENTITY, VOLUME, STATE)
    for line in (
        f'Server_Scope = "{IDENTITY}";',
        f'Server_Owner = "{IDENTITY}";',
        'RecoveryRoot = "/export/.jld-nfs";',
    ):
        assert line in text


def test_a_container_without_a_place_to_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(Refused, match=r"run/ganesha/ganesha\.conf: Not a directory; mount a tmpfs on "):
        write_configuration("", tmp_path / "run" / "ganesha")
