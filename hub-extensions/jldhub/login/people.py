"""User names, UIDs and GIDs, in tables of JLD's own in the hub's database. Rows are never changed or deleted.

A provider has a stable identifier for each person: GitHub the account's ID, OpenID Connect the claim `sub`. A login
name is not stable: it can be changed, and a released name can be taken by somebody else. So the first login records
user name and UID, and later logins look them up by the stable identifier.
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
_PREPARED: WeakSet[Any] = WeakSet()  # engines of databases that are known to have the tables
# Above the ID of every account, organization and team of GitHub.
FIRST_ID, LAST_ID = 2_000_000_000, 2_099_999_999
_METADATA = MetaData()
_ACCOUNTS = Table(
    "jld_people",
    _METADATA,
    # A digest of provider and subject, because collations and key lengths of long texts differ between databases.
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
    """Somebody else has this UID. The message is shown to the person who logs in."""


class IdsExhausted(Exception):
    """All IDs of the range are assigned. The message is shown to the person who logs in."""


@dataclass(frozen=True)
class IdRange:
    """The UIDs and GIDs that the hub assigns where the provider has none. Both ends are included."""

    first: int
    last: int

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and self.first <= value <= self.last


@dataclass(frozen=True)
class Account:
    """An account at a provider.

    `subject` is stable, `login` may change, and `uid` is None where the provider has no UID.
    """

    provider: str
    subject: str
    login: str
    uid: int | None = None

    @property
    def key(self) -> str:
        """The primary key of the account's row."""
        return _key(self.provider, self.subject)


@dataclass(frozen=True)
class Person:
    """A person in the hub: user name and UID."""

    name: str
    uid: int


class People:
    """The tables, through JupyterHub's session: a second connection would block on its SQLite lock."""

    def __init__(self, db: Session, assignable: IdRange) -> None:
        self._db, self._assignable = db, assignable
        engine = db.get_bind()
        if engine not in _PREPARED:
            _METADATA.create_all(db.connection())
            db.commit()
            _PREPARED.add(engine)

    def find(self, account: Account) -> Person | None:
        """The person who was recorded for this account, or None."""
        row = self._db.execute(
            select(_ACCOUNTS.c.name, _ACCOUNTS.c.uid).where(_ACCOUNTS.c.account == account.key)
        ).first()
        return Person(row.name, row.uid) if row else None

    def preview(self, account: Account) -> Person:
        """The recorded person, or the one that `record` would write. A refused login writes nothing, so it takes no name.

        Raises UidTaken and IdsExhausted.
        """
        if recorded := self.find(account):
            return recorded
        uid = self._next_id() if account.uid is None else account.uid
        if self._has(_ACCOUNTS.c.uid, uid) or account.uid in self._assignable:
            raise UidTaken(f"Your user number {uid} belongs to somebody else here. Tell an administrator.")
        return Person(
            next(name for name in candidates(account.login, uid) if not self._has(_ACCOUNTS.c.name, name)), uid
        )

    def record(self, account: Account) -> Person:
        """Write the account's user name and UID unless they are recorded already. Raises UidTaken and IdsExhausted."""

        def write() -> Person:
            if recorded := self.find(account):
                return recorded
            person = self.preview(account)
            row = {"account": account.key, "provider": account.provider, "subject": account.subject}
            self._db.execute(insert(_ACCOUNTS).values(**row, name=person.name, uid=person.uid))
            self._db.commit()
            return person

        return self._retry_once(write)

    def group_gid(self, provider: str, name: str) -> int:
        """The GID for a group without one at the provider. It is assigned at the first call. Raises IdsExhausted."""

        def write() -> int:
            key = _key(provider, name)
            gid = self._db.execute(select(_GROUPS.c.gid).where(_GROUPS.c.group_key == key)).scalar()
            if gid is None:
                gid = self._next_id()
                self._db.execute(insert(_GROUPS).values(group_key=key, provider=provider, name=name, gid=gid))
                self._db.commit()
            return int(gid)

        return self._retry_once(write)

    def is_reserved_id(self, value: int) -> bool:
        """Whether a GID in a claim must not be accepted: it is in the hub's range, or a person's UID."""
        return value in self._assignable or self._has(_ACCOUNTS.c.uid, value)

    def _retry_once(self, write: Callable[[], _T]) -> _T:
        """Run `write`, and once more after a conflict: another hub on the same database may have inserted the row."""
        try:
            return write()
        except IntegrityError:
            self._db.rollback()
            return write()

    def _next_id(self) -> int:
        """One above the highest ID of the range that was ever assigned, so that none is assigned twice.

        Raises IdsExhausted.
        """
        first, last = self._assignable.first, self._assignable.last
        highest = [
            self._db.execute(select(func.max(column)).where(column.between(first, last))).scalar()
            for column in (_ACCOUNTS.c.uid, _GROUPS.c.gid)
        ]
        next_id = max((int(value) + 1 for value in highest if value is not None), default=first)
        if next_id > last:
            raise IdsExhausted(
                f"All user numbers up to {last} are given. An administrator must raise hub.auth.numbers.last."
            )
        return next_id

    def _has(self, column: Column[Any], value: object) -> bool:
        return self._db.execute(select(column).where(column == value)).first() is not None


def _key(provider: str, subject: str) -> str:
    return sha256(f"{provider}\0{subject}".encode()).hexdigest()
