"""A cluster's DNS, by UDP and by TCP at one port, that can be told to be silent or to answer wrongly."""

import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

A, CNAME, AAAA = 1, 5, 28
Answer = Callable[[bytes], list[bytes]]  # of one question, what is sent for it, one packet after the other


def encoded(name: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def asked_for(question: bytes) -> tuple[str, int]:
    """The name and the type in a question."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(labels), struct.unpack(">H", question[at + 1 : at + 3])[0]


def record(kind: int, content: bytes) -> bytes:
    """One that belongs to the name that was asked for."""
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 5, len(content)) + content


def answered(question: bytes, *records: bytes, code: int = 0, flags: int = 0x8180) -> bytes:
    return question[:2] + struct.pack(">HHHHH", flags | code, 1, len(records), 0, 0) + question[12:] + b"".join(records)


@dataclass
class Names:
    """Knows the names of `known`, each with its addresses; `answers` says otherwise for some."""

    known: dict[str, list[str]]
    answers: dict[str, Answer] = field(default_factory=dict)
    address: str = "127.0.0.1"
    port: int = 0
    asked: list[tuple[str, int]] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    # What is asked while it is not set is not answered.
    speaks: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.speaks.set()
        self.tcp = socket.create_server((self.address, self.port))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((self.address, self.port))
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def close(self) -> None:
        self.udp.close()
        self.tcp.close()

    def _serve_udp(self) -> None:
        while True:
            try:
                question, client = self.udp.recvfrom(4096)
                self.ids.append(question[:2])
                self.asked.append(asked_for(question))
                for packet in self._answers(question) if self.speaks.is_set() else ():
                    self.udp.sendto(packet, client)
            except OSError:
                return

    def _serve_tcp(self) -> None:
        while True:
            try:
                client, _ = self.tcp.accept()
            except OSError:
                return
            with client, client.makefile("rb") as questions:
                question = questions.read(int.from_bytes(questions.read(2)))
                packet = self.right(question)
                client.sendall(len(packet).to_bytes(2) + packet)

    def _answers(self, question: bytes) -> list[bytes]:
        special = self.answers.get(asked_for(question)[0])
        return special(question) if special else [self.right(question)]

    def right(self, question: bytes) -> bytes:
        """What a server in order says."""
        name, kind = asked_for(question)
        if name not in self.known:
            return answered(question, code=3)
        wanted = {A: socket.AF_INET, AAAA: socket.AF_INET6}[kind]
        found = [each for each in self.known[name] if (":" in each) == (kind == AAAA)]
        return answered(question, *(record(kind, socket.inet_pton(wanted, each)) for each in found))
