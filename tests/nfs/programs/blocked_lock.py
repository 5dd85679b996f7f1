"""A client that speaks NFSv4.0 by itself: one lock waits for another, which is then let go. Says how far it came.

    blocked_lock.py SERVER EXPORT FILE

Its packets are RPC (RFC 5531) over TCP with NFSv4.0's operations (RFC 7530); it is nobody, from an unprivileged port.
"""

import os
import socket
import struct
import sys
import time

PUTROOTFH, LOOKUP, PUTFH, GETFH, OPEN, OPEN_CONFIRM, LOCK, LOCKU, SETCLIENTID, CONFIRM = (
    24,
    15,
    22,
    10,
    18,
    20,
    12,
    14,
    35,
    36,
)
WRITE, WRITE_AND_WAIT = 2, 4
EVERYTHING = 2**64 - 1


def number(value: int) -> bytes:
    return struct.pack(">I", value)


def long(value: int) -> bytes:
    return struct.pack(">Q", value)


def opaque(value: bytes) -> bytes:
    return number(len(value)) + value + bytes(-len(value) % 4)


class Client:
    def __init__(self, server: str) -> None:
        self.socket = socket.create_connection((server, 2049), timeout=20)
        self.calls = 0

    def compound(self, *operations: bytes) -> bytes:
        """The answer after the status and tag of the whole. Ends the program where an operation fails."""
        self.calls += 1
        nobody = number(1) + opaque(number(0) + opaque(b"client") + number(65534) + number(65534) + number(0))
        call = (
            number(self.calls)
            + number(0)
            + number(2)
            + number(100003)
            + number(4)
            + number(1)
            + nobody
            + number(0)
            + number(0)
        )
        call += opaque(b"") + number(0) + number(len(operations)) + b"".join(operations)  # minor version 0
        self.socket.sendall(number(0x80000000 | len(call)) + call)
        answer = self._receive()
        (status,) = struct.unpack_from(">I", answer, 24)
        if status:
            print(f"status {status} at call {self.calls}")
            if status != 10010:  # NFS4ERR_DENIED: the lock waits, as it should
                sys.exit()
        return answer[28 + 4 :]

    def _receive(self) -> bytes:
        size = struct.unpack(">I", self._exactly(4))[0] & 0x7FFFFFFF
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionError:
                part = b""
            if not part:
                print(f"the server is gone at call {self.calls}")
                sys.exit()
            data += part
        return data


def main(server: str, export: str, file: str) -> None:
    client = Client(server)
    listener = socket.create_server((client.socket.getsockname()[0], 0))
    host, port = listener.getsockname()
    back = number(0x40000000) + opaque(b"tcp") + opaque(f"{host}.{port >> 8}.{port & 255}".encode()) + number(1)
    answer = client.compound(number(SETCLIENTID) + os.urandom(8) + opaque(os.urandom(8)) + back)
    clientid, verifier = answer[12:20], answer[20:28]
    client.compound(number(CONFIRM) + clientid + verifier)
    states = []
    handle = b""
    for owner in (b"first", b"second"):
        create = number(1) + number(0) + number(0) + opaque(b"")  # unchecked, without attributes
        opening = number(OPEN) + number(0) + number(3) + number(0) + clientid + opaque(owner) + create + number(0)
        path = [number(PUTROOTFH), number(LOOKUP) + opaque(export.encode())]
        answer = client.compound(*path, opening + opaque(file.encode()), number(GETFH))
        at = 4 + 8 + 8 + 8  # count; PUTROOTFH, LOOKUP and OPEN with their status
        stateid, flags = answer[at : at + 16], struct.unpack_from(">I", answer, at + 16 + 20)[0]
        words = struct.unpack_from(">I", answer, at + 40)[0]
        at += 40 + 4 + 4 * words + 4 + 8  # the bitmap, no delegation, GETFH and its status
        size = struct.unpack_from(">I", answer, at)[0]
        handle = opaque(answer[at + 4 : at + 4 + size])
        if flags & 2:
            answer = client.compound(number(PUTFH) + handle, number(OPEN_CONFIRM) + stateid + number(1))
            stateid = answer[20:36]
        states.append(stateid)
    locks = []
    for kind, owner, stateid in ((WRITE, b"first lock", states[0]), (WRITE_AND_WAIT, b"second lock", states[1])):
        ask = number(LOCK) + number(kind) + number(0) + long(0) + long(EVERYTHING) + number(1)
        ask += number(2) + stateid + number(0) + clientid + opaque(owner)
        locks.append(client.compound(number(PUTFH) + handle, ask)[20:36])
    client.compound(
        number(PUTFH) + handle, number(LOCKU) + number(WRITE) + number(1) + locks[0] + long(0) + long(EVERYTHING)
    )
    time.sleep(3)  # the server tells the second owner of it in a thread of its own
    client.compound(number(PUTROOTFH))
    print("all was answered")


if __name__ == "__main__":
    main(*sys.argv[1:])
