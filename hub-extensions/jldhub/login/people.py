"""User names, UIDs and GIDs, in tables of JLD's own in the hub's database. Rows are never changed or deleted.

A provider has a stable identifier for each person: GitHub the account's ID, OpenID Connect the claim `sub`. A login
name is not stable: it can be changed, and a released name can be taken by somebody else. So the first login records
user name and UID, and later logins look them up by the stable identifier.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy import Column, Integer, MetaData, String, Table, Text, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jldhub.login.usernames import LONGEST, candidates

_T = TypeVar("_T")
# Above the ID of every account, organization and team of GitHub.
FIRST_ID, LAST_ID = 2_000_000_000, 2_099_999_999
METADATA = MetaData()  # as the newest version in jldhub/hub/tables makes them
_ACCOUNTS = Table(
    "jld_people",
    METADATA,
    # A digest of provider and subject, because collations and key lengths of long texts differ between databases.
    Column("account", String(64), primary_key=True),
    Column("provider", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("name", String(LONGEST), nullable=False, unique=True),
    Column("uid", Integer, nullable=False, unique=True),
)
_GROUPS = Table(
    "jld_groups",
    METADATA,
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

    `subject` is stable, `login` may change, and `uid` is None where the provider has no UID. `others_names` are names that a
    first login does not get: they are meant for people who have them at the provider.
    """

    provider: str
    subject: str
    login: str
    uid: int | None = None
    others_names: frozenset[str] = frozenset()

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
        names = (name for name in candidates(account.login, uid) if name not in account.others_names)
        return Person(next(name for name in names if not self._has(_ACCOUNTS.c.name, name)), uid)

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

    def record_gids(self, provider: str, gids: Mapping[str, int]) -> None:
        """Record the GIDs that groups have at the provider, by name, so that none becomes a person's own group."""

        def write() -> None:
            known = (
                self._db.execute(select(_GROUPS.c.gid).where(_GROUPS.c.gid.in_(list(gids.values())))).scalars().all()
            )
            new = {gid: name for name, gid in gids.items() if gid not in known}
            if new:
                # Not the key of an assigned GID: the provider may have had no number for the group before.
                rows = [
                    {"group_key": _key(provider, f"{name}\0{gid}"), "provider": provider, "name": name, "gid": gid}
                    for gid, name in new.items()
                ]
                self._db.execute(insert(_GROUPS), rows)
                self._db.commit()

        self._retry_once(write)

    def is_group_gid(self, value: int) -> bool:
        """Whether a group is known to have this GID."""
        return self._has(_GROUPS.c.gid, value)

    def reserved_ids(self, values: Collection[int]) -> set[int]:
        """The GIDs of a claim that must not be accepted: those in the hub's range, and people's UIDs."""
        uids = self._db.execute(select(_ACCOUNTS.c.uid).where(_ACCOUNTS.c.uid.in_(values))).scalars()
        return {value for value in values if value in self._assignable} | set(uids)

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
