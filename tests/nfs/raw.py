"""An NFSv4.1 client of one thread without a kernel, for tests that say which request goes when and from which address.

Its packets are RPC (RFC 5531) over TCP with the operations of RFC 8881; it is root. An address of its own is one that
`Place.connect` gives it.
"""

import itertools
import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

PROGRAM, VERSION, COMPOUND, MINOR = 100003, 4, 1, 1
CLOSE, COMMIT, GETFH, LOCK, LOOKUP, OPEN = 4, 5, 10, 12, 15, 18
PUTFH, PUTROOTFH, READ, READDIR, WRITE = 22, 24, 25, 26, 38
EXCHANGE_ID, CREATE_SESSION, SEQUENCE, RECLAIM_COMPLETE = 42, 43, 53, 58
WRITE_LOCK = 2
SHARE_BOTH = 3
UNSTABLE, FILE_SYNC = 0, 2
WHOLE_FILE = 2**64 - 1
OK, DENIED, GRACE, NO_GRACE, BADSESSION, EXPIRED = 0, 10010, 10013, 10033, 10052, 10011


class Refused(Exception):
    """The server answered an operation with an error, `status`."""

    def __init__(self, status: int, operation: int) -> None:
        super().__init__(f"operation {operation}: status {status}")
        self.status = status


Given = TypeVar("Given")


def insist(request: Callable[[], Given], meanwhile: int, seconds: float = 60.0) -> Given:
    """What the server gives at last, after it answered with the status `meanwhile`. Raises Refused."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return request()
        except Refused as refused:
            if refused.status != meanwhile or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def long(*values: int) -> bytes:
    return struct.pack(f">{len(values)}Q", *values)


def opaque(value: bytes) -> bytes:
    return numbers(len(value)) + value + bytes(-len(value) % 4)


class Reader:
    """Reads an answer from its beginning to its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def fixed(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self) -> int:
        return int.from_bytes(self.fixed(4))

    def long(self) -> int:
        return int.from_bytes(self.fixed(8))

    def opaque(self) -> bytes:
        size = self.number()
        value = self.fixed(size)
        self.fixed(-size % 4)
        return value

    def result(self, operation: int) -> None:
        """The next operation's head. Raises Refused."""
        got, status = self.number(), self.number()
        if status:
            raise Refused(status, got)
        assert got == operation, f"the server answers {operation} with {got}"


@dataclass
class File:
    """An open file: its handle, and the stateids of the open and of the lock."""

    handle: bytes
    state: bytes
    lock: bytes = field(default=bytes(16))


class Client:
    """A client with one session of one slot, by default for as long as one connection lives."""

    def __init__(self, connection: socket.socket, owner: str) -> None:
        self.owner = owner.encode()
        self._verifier = os.urandom(8)  # another one would be a client that was started anew, which has no locks
        self._calls = itertools.count(1)
        self.come_back(connection)

    def come_back(self, connection: socket.socket) -> None:
        """Take a new session over a new connection, as after the server was started again."""
        self._connection = connection
        flags = number_of_states = 0
        exchange = numbers(EXCHANGE_ID) + self._verifier + opaque(self.owner) + numbers(flags, number_of_states, 0)
        answer = self._call(exchange)
        answer.result(EXCHANGE_ID)
        self.id, sequence = answer.long(), answer.number()
        largest = 2**20 + 2**13
        fore, back = (0, largest, largest, largest, 16, 1, 0), (0, 4096, 4096, 0, 2, 1, 0)
        create = numbers(CREATE_SESSION) + long(self.id) + numbers(sequence, 0, *fore, *back, 0x40000000, 1, 0)
        answer = self._call(create)
        answer.result(CREATE_SESSION)
        self._session, self._number = answer.fixed(16), 0

    def operate(self, *operations: bytes) -> Reader:
        """Send operations in the session. The answer is at the first one's result. Raises Refused."""
        self._number += 1
        answer = self._call(numbers(SEQUENCE) + self._session + numbers(self._number, 0, 0, 0), *operations)
        answer.result(SEQUENCE)
        answer.fixed(16 + 5 * 4)
        return answer

    def reclaimed(self) -> None:
        """Say that all was reclaimed, or that there is nothing; before it nothing new is opened."""
        self.operate(numbers(RECLAIM_COMPLETE, 0)).result(RECLAIM_COMPLETE)

    def look_up(self, path: str) -> bytes:
        """The handle of what is at a path, which begins with the export's name."""
        answer = self._at(path, numbers(GETFH))
        answer.result(GETFH)
        return answer.opaque()

    def list(self, path: str) -> int:
        """Read a folder to its end, with the types of what is in it. Returns how many names it has."""
        count = cookie = 0
        verifier = bytes(8)
        while True:
            ask = numbers(READDIR) + long(cookie) + verifier + numbers(2**15, 2**16, 1, 1 << 1)
            answer = self._at(path, ask)
            answer.result(READDIR)
            verifier = answer.fixed(8)
            while answer.number():
                cookie = answer.long()
                answer.opaque()  # the name
                answer.fixed(4 * answer.number())
                answer.opaque()  # the attributes
                count += 1
            if answer.number():
                return count

    def open(self, folder: str, name: str) -> File:
        """Open a file, which is made unless it is there."""
        answer = self._at(folder, self._open(numbers(0) + opaque(name.encode())), numbers(GETFH))
        state = self._opened(answer)
        answer.result(GETFH)
        return File(answer.opaque(), state)

    def reclaim(self, file: File) -> None:
        """Open again what was open before the server was started again. Raises Refused."""
        claim = self._open(numbers(1, 0), create=False)
        answer = self.operate(numbers(PUTFH) + opaque(file.handle), claim)
        answer.result(PUTFH)
        file.state = self._opened(answer)

    def lock(self, file: File, reclaim: bool = False) -> None:
        """Lock the whole file for writing without waiting. Raises Refused."""
        ask = numbers(LOCK, WRITE_LOCK, reclaim) + long(0, WHOLE_FILE)
        ask += numbers(1, 0) + file.state + numbers(0) + long(0) + opaque(b"lock owner")
        answer = self.operate(numbers(PUTFH) + opaque(file.handle), ask)
        answer.result(PUTFH)
        answer.result(LOCK)
        file.lock = answer.fixed(16)

    def write(self, file: File, data: bytes, offset: int = 0, stable: int = FILE_SYNC) -> None:
        """Write with the lock's state where there is one. Raises Refused."""
        state = file.lock if any(file.lock) else file.state
        ask = numbers(WRITE) + state + long(offset) + numbers(stable) + opaque(data)
        answer = self.operate(numbers(PUTFH) + opaque(file.handle), ask)
        answer.result(PUTFH)
        answer.result(WRITE)

    def read(self, file: File, size: int, offset: int) -> int:
        """Read, and return how much came."""
        answer = self.operate(
            numbers(PUTFH) + opaque(file.handle), numbers(READ) + file.state + long(offset) + numbers(size)
        )
        answer.result(PUTFH)
        answer.result(READ)
        answer.number()  # whether it is the end
        return len(answer.opaque())

    def commit(self, file: File) -> None:
        answer = self.operate(numbers(PUTFH) + opaque(file.handle), numbers(COMMIT) + long(0) + numbers(0))
        answer.result(PUTFH)
        answer.result(COMMIT)

    def close(self, file: File) -> None:
        answer = self.operate(numbers(PUTFH) + opaque(file.handle), numbers(CLOSE, 0) + file.state)
        answer.result(PUTFH)
        answer.result(CLOSE)

    def _at(self, path: str, *operations: bytes) -> Reader:
        """Operate on what is at a path. The answer is at the first of these operations."""
        names = path.split("/")
        answer = self.operate(
            numbers(PUTROOTFH), *(numbers(LOOKUP) + opaque(name.encode()) for name in names), *operations
        )
        answer.result(PUTROOTFH)
        for _ in names:
            answer.result(LOOKUP)
        return answer

    def _open(self, claim: bytes, create: bool = True) -> bytes:
        how = numbers(1, 0, 0) + opaque(b"") if create else numbers(0)  # unchecked, without attributes
        return numbers(OPEN, 0, SHARE_BOTH, 0) + long(0) + opaque(b"open owner") + how + claim

    def _opened(self, answer: Reader) -> bytes:
        answer.result(OPEN)
        state = answer.fixed(16)
        answer.fixed(4 + 8 + 8 + 4)  # whether the folder changed meanwhile, from what to what, flags
        answer.fixed(4 * answer.number())
        if answer.number() == 3:  # OPEN_DELEGATE_NONE_EXT, with a reason
            answer.number()
        return state

    def _call(self, *operations: bytes) -> Reader:
        """One COMPOUND. Its answer is at the first operation."""
        number = next(self._calls)
        root = numbers(1) + opaque(numbers(0) + opaque(b"raw") + numbers(0, 0, 0))
        call = numbers(number, 0, 2, PROGRAM, VERSION, COMPOUND) + root + numbers(0, 0)
        call += opaque(b"") + numbers(MINOR, len(operations)) + b"".join(operations)
        self._connection.sendall(numbers(0x80000000 | len(call)) + call)
        size = int.from_bytes(self._exactly(4)) & 0x7FFFFFFF
        answer = Reader(self._exactly(size))
        assert answer.number() == number, "an answer to another call"
        answer.fixed(5 * 4)  # reply, accepted, verifier, success
        answer.number()  # the status of the whole is that of the last operation
        answer.opaque()
        answer.number()
        return answer

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = self._connection.recv(size - len(data))
            if not part:
                raise ConnectionResetError("the server closed the connection")
            data += part
        return bytes(data)
