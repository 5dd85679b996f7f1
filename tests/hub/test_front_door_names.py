"""How our nginx finds the addresses of a target that is a name, and that no request waits for a DNS that is silent."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.standins.names import AAAA, CNAME, A, Answer, Names, answered, encoded, record

from .front_door import FrontDoor, needs_nginx
from .test_front_door_routes import Lab, call, lab, tell

pytestmark = needs_nginx
__all__ = ["lab"]
HERE = socket.inet_aton("127.0.0.1")
NOBODY = socket.inet_aton("127.0.0.9")


def at_start(folder: Path, resolv: str, port: int) -> FrontDoor:
    """A front door whose pod has this resolv.conf."""
    door = FrontDoor(folder, free_port(), free_port())
    (door.folder / "resolv.conf").write_text(resolv)
    door.change("nginx/routes.conf", '"/etc/resolv.conf"', f'"{door.folder}/resolv.conf", {port}')
    return door


RESOLV = "nameserver 127.0.0.1\nsearch science.svc.cluster.local svc.cluster.local\noptions ndots:5\n"


@pytest.fixture
def names() -> Iterator[Names]:
    found = Names({"jld-hub.science.svc.cluster.local": ["127.0.0.1"]})
    yield found
    found.close()


@pytest.fixture
def door(tmp_path: Path, names: Names) -> Iterator[FrontDoor]:
    door = at_start(tmp_path, RESOLV, names.port)
    door.start()
    yield door
    door.stop()


def port_of(lab: str) -> str:
    return lab.partition(":")[2]


def get(door: FrontDoor, path: str = "/200") -> int:
    return call(f"{door.url}{path}")[0]


def until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def get_until_asked(door: FrontDoor, names: Names) -> set[int]:
    """The answers to requests until one of them has made nginx ask again."""
    before, statuses = len(names.asked), set()

    def asked() -> bool:
        statuses.add(get(door))
        return len(names.asked) > before

    until(asked, "the name was not asked for again")
    return statuses


def test_a_targets_name_is_looked_up_as_the_pod_would(door: FrontDoor, names: Names, lab: str) -> None:
    tell(door, "/", f"jld-hub:{port_of(lab)}")
    tell(door, "/x", "nobody:80")
    assert get(door) == 200
    assert get(door, "/x/200") == 503


def test_no_request_waits_while_dns_is_silent(door: FrontDoor, names: Names, lab: str) -> None:
    tell(door, "/", f"jld-hub.science:{port_of(lab)}")
    assert get(door) == 200
    names.asked.clear()
    names.speaks.clear()

    statuses = get_until_asked(door, names)
    statuses |= {get(door) for _ in range(20)}  # by each of the workers

    assert statuses == {200}
    # Each was answered while the first question was open: who waits for it asks all that is on the list before.
    assert set(names.asked) == {("jld-hub.science.svc.cluster.local", A)}
    log = door.log_path.read_text()
    assert log.count("no DNS server answers") <= 1


def test_trouble_with_a_name_is_told_once_and_so_is_its_end(door: FrontDoor, names: Names, lab: str) -> None:
    tell(door, "/", f"jld-hub:{port_of(lab)}")
    assert get(door) == 200
    names.speaks.clear()
    trouble, over = "the name jld-hub: no DNS server answers", "the name jld-hub: DNS knows its addresses again"

    def told(sentence: str) -> bool:
        assert get(door) == 200
        return sentence in door.log_path.read_text()

    until(lambda: told(trouble), "the trouble was not told")
    get_until_asked(door, names)
    names.speaks.set()
    until(lambda: told(over), "the end was not told")
    assert door.log_path.read_text().count(trouble) == 1


def test_the_first_requests_for_a_name_share_one_question(door: FrontDoor, names: Names, lab: str) -> None:
    tell(door, "/", f"jld-hub:{port_of(lab)}")
    names.answers["jld-hub.science.svc.cluster.local"] = lambda question: (
        (all_ask.wait(20) and [names.right(question)]) or []
    )
    all_ask = threading.Event()
    with ThreadPoolExecutor(16) as people:
        asked = [people.submit(get, door) for _ in range(16)]
        until(lambda: bool(names.asked), "nothing was asked")
        asked.append(people.submit(get, door))
        all_ask.set()
        assert [each.result() for each in asked] == [200] * 17
    assert set(names.asked) == {("jld-hub.science.svc.cluster.local", A)}


@pytest.mark.parametrize("name", ["jld-hub.science.svc.cluster.local", "jld-hub.science.svc.cluster.local.", "docs."])
def test_a_full_name_is_asked_for_as_it_is(door: FrontDoor, names: Names, lab: str, name: str) -> None:
    names.known["docs"] = ["127.0.0.1"]
    tell(door, "/", f"{name}:{port_of(lab)}")
    assert get(door) == 200
    assert set(names.asked) == {(name.rstrip("."), A)}


def test_what_was_answered_last_is_asked_first(door: FrontDoor, names: Names, lab: str) -> None:
    tell(door, "/", f"jld-hub.science:{port_of(lab)}")
    assert get(door) == 200
    assert names.asked[0] == ("jld-hub.science.science.svc.cluster.local", A)
    first = len(names.asked)
    get_until_asked(door, names)
    assert names.asked[first:] == [("jld-hub.science.svc.cluster.local", A)]


def test_ids_are_not_the_same_after_each_start(door: FrontDoor, names: Names, lab: str) -> None:
    heard = []
    for _ in range(2):
        names.ids.clear()
        for number in range(4):
            names.known[f"n{number}.science.svc.cluster.local"] = ["127.0.0.1"]
            tell(door, f"/{number}", f"n{number}:{port_of(lab)}")
            assert get(door, f"/{number}/200") == 200
        heard.append(set(names.ids))
        door.stop()
        door.start()
    assert len(heard[0] & heard[1]) < 3  # four of 65536 each; the same generator would give the same four
    assert min(len(each) for each in heard) > 2


def test_a_name_that_is_no_more_is_known_to_be_so(door: FrontDoor, names: Names, lab: str) -> None:
    """Its address may be somebody else's by now."""
    tell(door, "/", f"jld-hub:{port_of(lab)}")
    assert get(door) == 200
    addresses = names.known.pop("jld-hub.science.svc.cluster.local")
    until(lambda: get(door) == 503, "people are led to an address that nobody has")
    names.known["jld-hub.science.svc.cluster.local"] = addresses
    until(lambda: get(door) == 200, "it is not found again")


def other_id(question: bytes) -> bytes:
    return bytes([question[0] ^ 1]) + question[1:]


def other_name(question: bytes) -> bytes:
    return question[:12] + encoded("other.example") + question[-4:]


# What is no answer: a guess at one, one that is mangled, and a server in trouble.
NO_ANSWERS: dict[str, Answer] = {
    "another's id": lambda asked: [answered(other_id(asked), record(A, NOBODY))],
    "another's question": lambda asked: [answered(other_name(asked), record(A, NOBODY))],
    "no question": lambda asked: [asked[:2] + b"\x81\x80\0\0\0\1\0\0\0\0" + record(A, NOBODY)],
    "two questions": lambda asked: [asked[:2] + b"\x81\x80\0\2\0\1\0\0\0\0" + asked[12:] + record(A, NOBODY)],
    "a question": lambda asked: [answered(asked, record(A, NOBODY), flags=0x0100)],
    "nothing": lambda _: [b""],
    "half a head": lambda asked: [asked[:7]],
    "a head alone": lambda asked: [answered(asked)[:12]],
    "half a record": lambda asked: [answered(asked, record(A, NOBODY))[:-2]],
    "more records than there are": lambda asked: [asked[:2] + b"\x81\x80\0\1\xff\xff\0\0\0\0" + asked[12:]],
    "a name without an end": lambda asked: [answered(asked, b"\x3f" * 40)],
    "a label of no kind": lambda asked: [answered(asked, b"\x80" + record(A, NOBODY)[2:])],
    "an address of three bytes": lambda asked: [answered(asked, record(A, NOBODY[:3]))],
    "an address that ends behind the end": lambda asked: [
        answered(asked, b"\xc0\x0c" + struct.pack(">HHIH", A, 1, 5, 400) + NOBODY)
    ],
    "a failure": lambda asked: [answered(asked, code=2)],
    "a refusal": lambda asked: [answered(asked, code=5)],
}


@pytest.fixture(scope="module")
def known_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FrontDoor, Names, str]]:
    """One front door that knows a name for each row of the table, and what stands behind each."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lab)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    names = Names({f"n{number}.a.svc.cluster.local": ["127.0.0.1"] for number in range(len(NO_ANSWERS))})
    door = at_start(tmp_path_factory.mktemp("names"), RESOLV.replace("science", "a"), names.port)
    door.start()
    for number in range(len(NO_ANSWERS)):
        tell(door, f"/{number}", f"n{number}:{server.server_port}")
        assert get(door, f"/{number}/200") == 200
    for number, answer in enumerate(NO_ANSWERS.values()):
        names.answers[f"n{number}.a.svc.cluster.local"] = answer
    yield door, names, f"127.0.0.1:{server.server_port}"
    door.stop()
    names.close()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("what", NO_ANSWERS)
def test_what_is_no_answer_changes_nothing(known_to_all: tuple[FrontDoor, Names, str], what: str) -> None:
    door, names, _ = known_to_all
    number = list(NO_ANSWERS).index(what)
    name = (f"n{number}.a.svc.cluster.local", A)
    before = names.asked.count(name)

    def asked_twice() -> bool:
        assert get(door, f"/{number}/200") == 200
        return names.asked.count(name) > before + 1  # so the first was no answer

    until(asked_twice, "it was taken for an answer")


def test_what_is_no_answer_to_the_first_question_leads_nowhere(known_to_all: tuple[FrontDoor, Names, str]) -> None:
    door, names, lab = known_to_all
    paths = {what: f"/first{number}" for number, what in enumerate(NO_ANSWERS)}
    for what, path in paths.items():
        names.answers[f"{path[1:]}.a.svc.cluster.local"] = NO_ANSWERS[what]
        tell(door, path, f"{path[1:]}:{port_of(lab)}")
    with ThreadPoolExecutor(len(paths)) as people:
        statuses = people.map(lambda path: get(door, f"{path}/200"), paths.values())
        assert dict(zip(paths, statuses, strict=True)) == dict.fromkeys(paths, 503)
    for path in paths.values():
        name = f"{path[1:]}.a.svc.cluster.local"
        names.known[name] = ["127.0.0.1"]
        names.answers.pop(name)
    for path in paths.values():
        until(lambda path=path: get(door, f"{path}/200") == 200, "it is not found afterwards")  # type: ignore[misc]


def by_tcp(question: bytes) -> list[bytes]:
    return [answered(question, flags=0x8380)]


ANSWERS: dict[str, Answer] = {
    "another's guess before it": lambda asked: [
        answered(other_id(asked), record(A, NOBODY)),
        answered(other_name(asked), record(A, NOBODY)),
        answered(asked, record(A, HERE)),
    ],
    "in capitals": lambda asked: [answered(asked[:12] + asked[12:].upper(), record(A, HERE))],
    "a chain of names": lambda asked: [
        answered(
            asked,
            record(CNAME, encoded("real.example")),
            encoded("real.example") + record(A, HERE)[2:],
        )
    ],
    "too long for a packet": by_tcp,
}


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_is_understood(door: FrontDoor, names: Names, lab: str, what: str) -> None:
    names.answers["jld-hub.science.svc.cluster.local"] = ANSWERS[what]
    tell(door, "/", f"jld-hub:{port_of(lab)}")
    assert get(door) == 200


class OverIPv6(ThreadingHTTPServer):
    """A server for what has no other address."""

    address_family = socket.AF_INET6


def test_an_address_of_ipv6_is_found_where_there_is_no_other(door: FrontDoor, names: Names) -> None:
    try:
        server = OverIPv6(("::1", 0), Lab)
    except OSError:
        pytest.skip("this machine has no IPv6")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    names.known["jld-hub.science.svc.cluster.local"] = ["::1"]
    tell(door, "/", f"jld-hub:{server.server_port}")
    assert get(door) == 200
    assert ("jld-hub.science.svc.cluster.local", AAAA) in names.asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("first", ["silent", "in trouble", "away"])
def test_a_server_that_does_not_answer_is_not_the_only_one(tmp_path: Path, names: Names, lab: str, first: str) -> None:
    other = None if first == "away" else Names({}, address="127.0.0.2", port=names.port)
    if other and first == "silent":
        other.speaks.clear()
    elif other:
        other.answers["jld-hub.science.svc.cluster.local"] = lambda asked: [answered(asked, code=2)]
    door = at_start(tmp_path, f"nameserver 127.0.0.2\n{RESOLV}", names.port)
    door.start()
    try:
        tell(door, "/", f"jld-hub:{port_of(lab)}")
        assert get(door) == 200
    finally:
        door.stop()
        if other:
            other.close()
