"""The store in one SQLite file, the default.

Theory of operation.  The newest snapshot is kept in memory, since one daemon at a
time holds the folder (a lock file); the file is read once, when it is opened, and
written in each transaction before anybody hears of it.  A change rewrites the
rows that differ.
WAL with synchronous=FULL: a transaction that returned survives a power cut.  Tables of
an older version are brought up to date when they are opened; a file of a newer one or
of another program is refused.

The file, or SQLite's log beside it, can be removed or replaced under a running daemon, and SQLite
would go on writing to what has no name.  So before each transaction, and whenever `keep` is called,
is looked whether the names still lead to what is open.  What was removed is written anew, from
memory; another file in its place is the operator's, and nothing is stored until that is settled.

Whatever SQLite raises becomes a `StoreError` in one place; the file is never
repaired or replaced behind the operator's back.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from vswitch import paths
from vswitch.errors import SchemaError, StoreError
from vswitch.lockfile import Lock
from vswitch.schema import Config
from vswitch.store import Change, Notify, Snapshot, rows
from vswitch.store.watchers import Watchers

log = logging.getLogger("vswitch.store")

VERSION = 4
"""Of the tables, in the file's user_version.  What the schema has got since is added in any case;
what it has lost, or means another way, raises it."""

WAL = "-wal"
"""What SQLite calls its log: the file's name and this."""

APPLICATION_ID = 0x76737763
"""Says in the file's header whose it is ("vswc")."""


class SqliteStore:
    """See `Store`; the file is 'folder'/vswitch.db, made for its owner alone.

    StoreError when the file can't be used; Failure when another daemon has it or the
    folder is not ours alone.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        place = paths.make_private(os.fspath(folder))
        self.path = os.path.join(place, paths.DATABASE)
        self._watchers = Watchers()
        self._lock = Lock(
            self.path + ".lock", f"store {self.path}",
            "use that daemon, end it, or choose another --state folder",
        )  # fmt: skip
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._files: tuple[_File, _File] = (None, None)
        try:
            self._connection = self._open()
            self._newest = self._load()
            self._make_durable()
            self._files = self._seen()
        except BaseException:
            self.close()
            raise

    def read(self) -> Snapshot:
        """See `Store.read`."""
        return self._newest

    def transaction(self, change: Change) -> Snapshot:
        """See `Store.transaction`."""
        wanted = change(self._newest.config)
        if wanted != self._newest.config:
            self.keep()
            newest = Snapshot(self._newest.revision + 1, wanted)
            with self._sentences("it can't be written"), self._committing() as connection:
                _write(connection, self._newest.config, newest)
            self._files = self._seen()
            self._newest = newest
            self._watchers.tell(newest)
        return self._newest

    def watch(self, since: int, notify: Notify) -> Callable[[], None]:
        """See `Store.watch`."""
        return self._watchers.add(since, notify, self._newest)

    def keep(self) -> None:
        """See `Store.keep`."""
        if self._closed:
            return
        paths.make_private(os.path.dirname(self.path))
        self._lock.keep()
        file, wal = self._seen()
        if file not in (None, self._files[0]):
            self._let_go()
            raise self._refusal(
                "another file was put in its place while it was in use, and nothing is stored",
                f"restart vswitchd to go by that file, or remove {self.path} to keep what runs",
            )
        if file is None or self._connection is None or (self._files[1] and wal != self._files[1]):
            log.warning("store %s was removed while it was in use; it is written anew", self.path)
            self._put_back()

    def close(self) -> None:
        """See `Store.close`."""
        self._closed = True
        self._watchers.clear()
        self._let_go()
        self._lock.release()

    def _let_go(self) -> None:
        """Closes the file.  That may fail where it was removed: what counts is in memory.  SQLite
        then leaves its log, which it would take for the log of whatever has the name next."""
        connection, self._connection = self._connection, None
        if not connection:
            return
        with suppress(sqlite3.Error):
            connection.close()
        file, wal = self._seen()
        if file != self._files[0] and wal and wal == self._files[1]:
            with suppress(OSError):
                os.unlink(self.path + WAL)

    def _put_back(self) -> None:
        """Opens what has the name, or a new file, and makes it hold the newest snapshot."""
        self._let_go()
        try:
            self._connection = self._open()
            found = self._load()
            self._make_durable()
            if found != self._newest:
                with self._sentences("it can't be written"), self._committing() as connection:
                    _write(connection, found.config, self._newest)
        except BaseException:
            self._let_go()
            raise
        finally:
            self._files = self._seen()  # whatever is there now is of our making

    def _seen(self) -> tuple[_File, _File]:
        """What the names of the file and of SQLite's log lead to."""
        return _file(self.path), _file(self.path + WAL)

    def _open(self) -> sqlite3.Connection:
        with self._sentences("it can't be opened"):
            # SQLite gives its WAL the mode of the file, so the file's is set before.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            with self._sentences("it can't be read"):
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                connection.execute("PRAGMA trusted_schema = OFF")
            return connection
        except BaseException:
            connection.close()
            raise

    def _load(self) -> Snapshot:
        with self._sentences("it can't be read"), self._committing() as connection:
            self._bring_up_to_date(connection)
            return self._read(connection)

    def _make_durable(self) -> None:
        """Only now that the file is known to be ours, since it changes the file."""
        assert self._connection
        with self._sentences("it can't be written"):
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        if not _pragma(connection, "schema_version"):
            _create(connection)
            return
        version = _pragma(connection, "user_version")
        ours = _pragma(connection, "application_id") == APPLICATION_ID
        if not ours or not 1 <= version <= VERSION:
            whose = f"version {version} of vswitch's tables" if ours else "another program"
            raise self._refusal(
                f"it was written by {whose}; this is version {VERSION}",
                "use the vswitch that wrote it, or choose another --state folder",
            )
        for table in _OLDER.get(version, ()):
            _require_columns(connection, table, ("position",))
        if version < VERSION or self._has_grown(connection):
            _make_anew(connection)

    def _has_grown(self, connection: sqlite3.Connection) -> bool:
        """Whether the schema has kinds of records or settings that it had not when the file was
        written.  A file that has more than we know, or less than it says, is refused."""
        written, ours = _written_shape(connection), _shape()
        for table, columns in written.items():
            if more := set(columns) - set(ours.get(table, ())):
                raise self._refusal(
                    f"it was written by a vswitch that knows {min(more)} of a {table}",
                    "use the vswitch that wrote it, or choose another --state folder",
                )
            _require_columns(connection, table, columns)
        return written != ours

    def _read(self, connection: sqlite3.Connection) -> Snapshot:
        (check,) = connection.execute("PRAGMA quick_check").fetchone()
        if check != "ok":
            raise sqlite3.DatabaseError(f"SQLite's check says: {check}")
        found = {table: connection.execute(_select(table)).fetchall() for table in rows.TABLES}
        (revision,) = connection.execute("SELECT revision FROM state").fetchone() or (0,)
        try:
            return Snapshot(revision, rows.from_rows(found))
        except SchemaError as error:
            raise self._refusal(str(error), f"correct it with sqlite3 {self.path}") from None

    @contextmanager
    def _committing(self) -> Iterator[sqlite3.Connection]:
        """One transaction of the file: committed at the end, or undone."""
        connection = self._connection
        if connection is None:
            raise self._refusal("it is closed", "open it again")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # SQLite may have undone it already, as it does when the disk is full.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _sentences(self, what: str) -> Iterator[None]:
        """Turns errors of SQLite and the file system into StoreError."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            raise self._refusal(f"{what} ({error})", _REMEDIES.get(code, _RESTORE)) from None
        except OSError as error:
            raise self._refusal(f"{what} ({error.strerror})", _PERMISSIONS) from None

    def _refusal(self, why: str, do: str) -> StoreError:
        return StoreError(f"store {self.path}", why, do)


_PERMISSIONS = "check the folder's owner and mode"
_RESTORE = "restore the file from a backup, or move it away to begin with an empty one"
_REMEDIES = {
    sqlite3.SQLITE_FULL: "free space on its disk and repeat the command",
    sqlite3.SQLITE_IOERR: "check its disk and free space, then repeat the command",
    sqlite3.SQLITE_READONLY: _PERMISSIONS,
    sqlite3.SQLITE_PERM: _PERMISSIONS,
    sqlite3.SQLITE_CANTOPEN: _PERMISSIONS,
    sqlite3.SQLITE_BUSY: "end the program that has it open",
    sqlite3.SQLITE_LOCKED: "end the program that has it open",
}


_File = tuple[int, int] | None
"""Which file a name leads to: device and inode; None: there is none."""


def _file(path: str) -> _File:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _create(connection: sqlite3.Connection) -> None:
    for table in rows.TABLES:
        _create_table(connection, table)
    connection.execute("CREATE TABLE state (revision INTEGER NOT NULL)")
    connection.execute("INSERT INTO state VALUES (0)")
    _write_shape(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _write_shape(connection: sqlite3.Connection) -> None:
    """Notes which tables the file has, so that one that is lost is told from one that is new."""
    connection.execute("CREATE TABLE IF NOT EXISTS shape (document TEXT NOT NULL)")
    connection.execute("DELETE FROM shape")
    connection.execute("INSERT INTO shape VALUES (?)", (json.dumps(_shape()),))


def _create_table(connection: sqlite3.Connection, table: str) -> None:
    columns = ", ".join(rows.columns(table))
    connection.execute(
        f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({', '.join(rows.key(table))}))"
    )


def _shape() -> dict[str, list[str]]:
    """Tables and their columns, as the schema has them."""
    return {table: list(rows.columns(table)) for table in rows.TABLES}


_OLDER = {
    1: ("bridge", "port", "controller"),
    2: ("bridge", "port", "controller", "queue"),
    3: ("bridge", "port", "controller", "queue"),
}
"""Tables of files that don't note their shape, by version."""


def _written_shape(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Tables and their columns, as the file notes them; DatabaseError if it notes nothing."""
    row = connection.execute("SELECT document FROM shape").fetchone()
    try:
        noted = json.loads(row[0])
        return {str(table): [str(column) for column in columns] for table, columns in noted.items()}
    except (TypeError, ValueError, AttributeError, RecursionError):
        raise sqlite3.DatabaseError("its table shape is no shape") from None


def _require_columns(connection: sqlite3.Connection, table: str, columns: Iterable[str]) -> None:
    there = _columns(connection, table)
    if lost := set(columns) - set(there):
        what = f"column: {min(lost)} of {table}" if there else f"table: {table}"
        raise sqlite3.DatabaseError(f"no such {what}")


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """A table's columns; none if there is no such table."""
    return [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]


def _make_anew(connection: sqlite3.Connection) -> None:
    """Tables of an older version with this one's columns: what they hold is kept, what they lack
    is at its default."""
    for table in rows.TABLES:
        present = _columns(connection, table)
        if present:
            connection.execute(f"ALTER TABLE {table} RENAME TO older")
        _create_table(connection, table)
        if present:
            names = ", ".join(present)
            connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM older")
            connection.execute("DROP TABLE older")
        for column, value in rows.additions(table, present).items():
            connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
    _write_shape(connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _select(table: str) -> str:
    return f"SELECT {', '.join(rows.columns(table))} FROM {table} ORDER BY position"


def _write(connection: sqlite3.Connection, before: Config, newest: Snapshot) -> None:
    old, new = rows.to_rows(before), rows.to_rows(newest.config)
    for table in rows.TABLES:
        gone, come = set(old[table]).difference(new[table]), set(new[table]).difference(old[table])
        columns = rows.columns(table)
        which = " AND ".join(f"{name} = ?" for name in rows.key(table))
        key = [columns.index(name) for name in rows.key(table)]
        connection.executemany(
            f"DELETE FROM {table} WHERE {which}", ([row[at] for at in key] for row in gone)
        )
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", come)
    connection.execute("UPDATE state SET revision = ?", (newest.revision,))
