"""Who has which name and which number, in tables of our own in the hub's database. What is written here stays for ever.

A provider tells a person by something that never changes: GitHub by the number of the account, OpenID Connect by the claim `sub`.
Names do change, and a name that became free is taken by somebody else. So the first login writes down name and number, and
later logins find them by what never changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Column, Integer, MetaData, String, Table, Text, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jldhub.login.usernames import LONGEST, candidates

_T = TypeVar("_T")
_PREPARED: WeakSet[Any] = WeakSet()  # databases in which the tables were made, or were there
# Above every account, organization and team of GitHub.
FIRST_ID, LAST_ID = 2_000_000_000, 2_099_999_999
_METADATA = MetaData()
_ACCOUNTS = Table(
    "jld_people",
    _METADATA,
    # A digest of provider and subject, because databases compare long texts each in their own way.
    Column("account", String(64), primary_key=True),
    Column("provider", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("name", String(LONGEST), nullable=False, unique=True),
    Column("uid", Integer, nullable=False, unique=True),
)
_GROUPS = Table(
    "jld_groups",
    _METADATA,
    Column("group_key", String(64), primary_key=True),
    Column("provider", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("gid", Integer, nullable=False, unique=True),
)


class UidTaken(Exception):
    """Somebody else has this number. The sentence is for the person who logs in."""


class IdsExhausted(Exception):
    """The range has no number left. The sentence is for the person who logs in."""


@dataclass(frozen=True)
class IdRange:
    """What is given to people and groups that bring no number, the last one included."""

    first: int
    last: int

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.first <= number <= self.last


@dataclass(frozen=True)
class Account:
    """Somebody at a provider: `subject` never changes, `login` may, and `uid` is None where the provider gives no number."""

    provider: str
    subject: str
    login: str
    uid: int | None = None

    @property
    def key(self) -> str:
        return _key(self.provider, self.subject)


@dataclass(frozen=True)
class Person:
    name: str
    uid: int


class People:
    """The tables, through the hub's own session: a second connection would wait for SQLite's lock that this process holds."""

    def __init__(self, db: Session, numbers: IdRange) -> None:
        self._db, self._numbers = db, numbers
        engine = db.get_bind()
        if engine not in _PREPARED:
            _METADATA.create_all(db.connection())
            db.commit()
            _PREPARED.add(engine)

    def find(self, account: Account) -> Person | None:
        """Somebody who was let in before."""
        row = self._db.execute(
            select(_ACCOUNTS.c.name, _ACCOUNTS.c.uid).where(_ACCOUNTS.c.account == account.key)
        ).first()
        return Person(row.name, row.uid) if row else None

    def preview(self, account: Account) -> Person:
        """Who this account is, or would become. Writes nothing, so strangers take no name."""
        known = self.find(account)
        if known:
            return known
        uid = self._next_id() if account.uid is None else account.uid
        if self._has(_ACCOUNTS.c.uid, uid) or account.uid in self._numbers:
            raise UidTaken(f"Your user number {uid} belongs to somebody else here. Tell an administrator.")
        return Person(
            next(name for name in candidates(account.login, uid) if not self._has(_ACCOUNTS.c.name, name)), uid
        )

    def record(self, account: Account) -> Person:
        """Write down who this account is. Somebody who is known stays who they are."""

        def write() -> Person:
            known = self.find(account)
            if known:
                return known
            person = self.preview(account)
            row = {"account": account.key, "provider": account.provider, "subject": account.subject}
            self._db.execute(insert(_ACCOUNTS).values(**row, name=person.name, uid=person.uid))
            self._db.commit()
            return person

        return self._retry_once(write)

    def group_gid(self, provider: str, name: str) -> int:
        """The number of a group that brings none: given once, kept for ever."""

        def write() -> int:
            key = _key(provider, name)
            gid = self._db.execute(select(_GROUPS.c.gid).where(_GROUPS.c.group_key == key)).scalar()
            if gid is None:
                gid = self._next_id()
                self._db.execute(insert(_GROUPS).values(group_key=key, provider=provider, name=name, gid=gid))
                self._db.commit()
            return int(gid)

        return self._retry_once(write)

    def is_reserved_id(self, number: int) -> bool:
        """A number that a claim must not bring: one that is ours to give, or that is a person's own."""
        return number in self._numbers or self._has(_ACCOUNTS.c.uid, number)

    def _retry_once(self, write: Callable[[], _T]) -> _T:
        """Another hub on the same database may have been faster."""
        try:
            return write()
        except IntegrityError:
            self._db.rollback()
            return write()

    def _next_id(self) -> int:
        """One above every number of the range that was ever given, so that none is given twice."""
        found = [
            self._db.execute(
                select(func.max(column)).where(column.between(self._numbers.first, self._numbers.last))
            ).scalar()
            for column in (_ACCOUNTS.c.uid, _GROUPS.c.gid)
        ]
        number = max((int(value) + 1 for value in found if value is not None), default=self._numbers.first)
        if number > self._numbers.last:
            raise IdsExhausted(
                f"All user numbers up to {self._numbers.last} are given. An administrator must raise hub.auth.numbers.last."
            )
        return number

    def _has(self, column: Column[Any], value: object) -> bool:
        return self._db.execute(select(column).where(column == value)).first() is not None


def _key(provider: str, subject: str) -> str:
    return sha256(f"{provider}\0{subject}".encode()).hexdigest()
