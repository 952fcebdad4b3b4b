"""The SQLite file: it outlives the process, and whatever is wrong with it is a sentence."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.kit.configs import configs
from vswitch.errors import Failure, StoreError
from vswitch.schema import Bridge, Config, Controller, Port, Queue
from vswitch.store import Snapshot
from vswitch.store import sqlite as module
from vswitch.store.sqlite import SqliteStore

CONFIG = Config(
    (
        Bridge(
            "br0", dpid=(1 << 64) - 1, fail_mode="standalone", listen=("ptcp:6654:127.0.0.1",),
            ports=(Port("eth1", number=3, addresses=("10.0.0.1/8", "fd00::1/64"), kind="tap"),),
            queues=(Queue("eth1", 7, max_rate=1_500_000, max_packets=9),),
            controllers=(Controller("tcp:10.0.0.9"),),
        ),
    )
)  # fmt: skip


def filled(folder: Path, config: Config = CONFIG) -> Path:
    """A closed store that holds 'config'; its file."""
    with closing(SqliteStore(folder)) as store:
        store.transaction(lambda _: config)
        return Path(store.path)


def edit(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(sql)
        connection.commit()


def test_what_was_stored_outlives_the_process(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(SqliteStore(tmp_path)) as store:
        assert store.read().revision == 1
        assert store.read().config == CONFIG


@settings(max_examples=20)
@given(first=configs(), second=configs())
def test_a_change_from_any_configuration_to_any_other_outlives_the_process(
    tmp_path_factory: pytest.TempPathFactory, first: Config, second: Config
) -> None:
    folder = tmp_path_factory.mktemp("state")
    filled(folder, first)
    filled(folder, second)
    with closing(SqliteStore(folder)) as store:
        assert store.read().config == second


def test_a_change_writes_what_differs_however_much_is_there(tmp_path: Path) -> None:
    many = Bridge("br0", ports=tuple(Port(f"p{number}") for number in range(500)))
    with closing(SqliteStore(tmp_path)) as store:
        assert store._connection
        written = []
        for bridge in (many, many.with_part(Port("new")), many, many.with_part(Port("p7", tag=5))):
            before = store._connection.total_changes
            store.transaction(lambda _, bridge=bridge: Config((bridge,)))  # type: ignore[misc]
            written.append(store._connection.total_changes - before)
    revision = 1
    assert written == [501 + revision, 1 + revision, 1 + revision, 2 + revision]


@settings(max_examples=20)
@given(config=configs())
def test_any_configuration_outlives_the_process(
    tmp_path_factory: pytest.TempPathFactory, config: Config
) -> None:
    folder = tmp_path_factory.mktemp("state")
    filled(folder, config)
    with closing(SqliteStore(folder)) as store:
        assert store.read().config == config


def test_what_was_committed_survives_a_kill(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        SqliteStore(tmp_path).transaction(lambda _: CONFIG)
        os.kill(os.getpid(), 9)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    with closing(SqliteStore(tmp_path)) as store:
        assert store.read().config == CONFIG


def test_a_second_daemon_on_the_same_state_gets_a_sentence(tmp_path: Path) -> None:
    refusal = pytest.raises(Failure, match=f"in use by process {os.getpid()}; use that daemon")
    with closing(SqliteStore(tmp_path)), refusal:
        SqliteStore(tmp_path)
    SqliteStore(tmp_path).close()


def test_the_file_is_its_owners_alone_and_nothing_lies_beside_it_afterwards(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with closing(SqliteStore(tmp_path / "new")) as store:
            store.transaction(lambda _: CONFIG)
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").iterdir()}
    finally:
        os.umask(old)
    assert modes == dict.fromkeys(("vswitch.db", "vswitch.db-wal", "vswitch.db.lock"), 0o600)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["vswitch.db"]


def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path)) as store:
        store.transaction(lambda _: CONFIG)
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[union-attr]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[union-attr]
        many = Bridge("big", ports=tuple(Port(f"p{n}") for n in range(2000)))
        heard: list[object] = []
        store.watch(1, heard.append)
        with pytest.raises(StoreError, match=r"full.*; free space on its disk"):
            store.transaction(lambda config: config.with_bridge(many))
        assert store.read().revision == 1
        assert heard == []
        assert store.transaction(lambda config: config.without_bridge("br0")).revision == 2
        assert len(heard) == 1
    with closing(SqliteStore(tmp_path)) as store:
        assert store.read().config == Config()


VERSION_1 = """
CREATE TABLE bridge (position, name, dpid, fail_mode, protocols, listen, PRIMARY KEY (name));
CREATE TABLE port (position, bridge, name, number, kind, netns, interface, addresses, mac, mtu,
    gateway, PRIMARY KEY (bridge, name));
CREATE TABLE controller (position, bridge, target, PRIMARY KEY (bridge, target));
CREATE TABLE state (revision INTEGER NOT NULL);
INSERT INTO state VALUES (7);
INSERT INTO bridge VALUES (0, 'br0', '0000000000000001', 'secure', '["OpenFlow13"]', '[]');
INSERT INTO port VALUES (0, 'br0', 'eth1', 3, 'tap', NULL, NULL, '[]', NULL, NULL, NULL);
PRAGMA application_id = 0x76737763;
PRAGMA user_version = 1;
"""


def test_the_tables_of_an_older_version_are_brought_up_to_date(tmp_path: Path) -> None:
    old, fresh = tmp_path / "old", tmp_path / "fresh"
    old.mkdir(mode=0o700)
    with closing(sqlite3.connect(old / "vswitch.db")) as connection:
        connection.executescript(VERSION_1)
    bridge = Bridge("br0", dpid=1, ports=(Port("eth1", number=3, kind="tap"),))
    with closing(SqliteStore(old)) as store:
        assert store.read() == Snapshot(7, Config((bridge,)))
        store.transaction(lambda config: config.with_bridge(bridge.with_part(Queue("eth1", 0))))
    with closing(SqliteStore(old)) as store:
        assert store.read().config == Config((bridge.with_part(Queue("eth1", 0)),))
    assert schema_of(old / "vswitch.db") == schema_of(filled(fresh))


def test_a_table_of_version_2_gets_the_settings_that_it_lacks(tmp_path: Path) -> None:
    queued = CONFIG.with_bridge(CONFIG.bridges[0].with_part(Queue("eth1", 5)))
    file = filled(tmp_path, queued)
    for column in ("mac_age", "mac_limit", "flood_rate"):
        edit(file, f"ALTER TABLE bridge DROP COLUMN {column}")
    for column in ("vlan_mode", "tag", "trunks"):
        edit(file, f"ALTER TABLE port DROP COLUMN {column}")
    edit(file, "PRAGMA user_version = 2")
    changed = queued.with_bridge(Bridge("br1", dpid=1, mac_age=7, ports=(Port("p", tag=5),)))
    with closing(SqliteStore(tmp_path)) as store:
        assert store.read().config == queued
        store.transaction(lambda _: changed)
    with closing(SqliteStore(tmp_path)) as store:
        assert store.read().config == changed


def schema_of(file: Path) -> tuple[object, ...]:
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        version = connection.execute("PRAGMA user_version").fetchone()
    return version, [(name, sql and "".join(sql.split())) for name, sql in tables]


def overwrite(file: Path) -> None:
    file.write_bytes(b"this is no database at all, " * 50)


def damage(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "no database": (overwrite, "not a database.*; restore the file from a backup"),
    "damaged": (damage, "; restore the file from a backup"),
    "cut off": (cut, "; restore the file from a backup"),
    "older than any": (lambda f: edit(f, "PRAGMA user_version = 0"), "by version 0 of vswitch's"),
    "newer": (lambda f: edit(f, "PRAGMA user_version = 9"), "by version 9 of vswitch's tables"),
    "foreign": (lambda f: edit(f, "PRAGMA application_id = 7"), "written by another program"),
    "bad setting": (
        lambda f: edit(f, "UPDATE bridge SET fail_mode = 'open'"),
        "bridge fail mode 'open'.*; correct it with sqlite3",
    ),
    "bad list": (lambda f: edit(f, "UPDATE port SET addresses = '{'"), "port addresses null"),
    "port of no bridge": (lambda f: edit(f, "DELETE FROM bridge"), "it has no name"),
    "mixed types": (lambda f: edit(f, "UPDATE bridge SET name = x'00ff'"), "bridge name b'"),
    "queue of no port": (lambda f: edit(f, "UPDATE queue SET port = 'x'"), "has no such port"),
    "bad rate": (lambda f: edit(f, "UPDATE queue SET max_rate = '5'"), "max rate '5': it is no"),
    "table gone": (lambda f: edit(f, "DROP TABLE port"), "no such table: port"),
    "column gone": (lambda f: edit(f, "ALTER TABLE port DROP COLUMN tag"), "no such column: tag"),
    "older, table gone": (
        lambda f: (edit(f, "DROP TABLE port"), edit(f, "PRAGMA user_version = 3")),
        "no such table: port",
    ),
    "of a vswitch that has more": (
        lambda f: edit(f, """UPDATE shape SET document = '{"lane": ["position", "name"]}'"""),
        "by a vswitch that knows name of a lane; use the vswitch that wrote it",
    ),
    "shape of nothing": (lambda f: edit(f, "UPDATE shape SET document = '[]'"), "is no shape"),
    "no shape": (lambda f: edit(f, "DELETE FROM shape"), "is no shape"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_cannot_be_used_is_told_and_left_alone(tmp_path: Path, case: str) -> None:
    breakage, sentence = BROKEN[case]
    file = filled(tmp_path)
    breakage(file)
    before = file.read_bytes()
    with pytest.raises(StoreError, match=f"^store {file}: .*{sentence}"):
        SqliteStore(tmp_path)
    assert file.read_bytes() == before
    assert not (tmp_path / "vswitch.db.lock").exists()


def test_a_file_of_another_program_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "vswitch.db"
    edit(file, "CREATE TABLE theirs (x)")
    before = file.read_bytes()
    with pytest.raises(StoreError, match="written by another program"):
        SqliteStore(tmp_path)
    assert file.read_bytes() == before


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "vswitch.db").mkdir()
    with pytest.raises(StoreError, match="it can't be opened"):
        SqliteStore(tmp_path)


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(Failure, match="others may write to it; chmod go-w"):
        SqliteStore(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="it can't be made"):
        SqliteStore(tmp_path / "file" / "state")


# ---- files that are removed or replaced under an open store ------------------------------------


OTHER = CONFIG.with_bridge(Bridge("br1", dpid=7))


def remove_all(folder: Path) -> None:
    shutil.rmtree(folder)


def remove_file(folder: Path) -> None:
    (folder / "vswitch.db").unlink()


def remove_log(folder: Path) -> None:
    (folder / "vswitch.db-wal").unlink()


def remove_both(folder: Path) -> None:
    remove_file(folder)
    remove_log(folder)


@pytest.mark.parametrize("remove", [remove_all, remove_file, remove_log, remove_both])
@pytest.mark.parametrize("then", ["change", "keep"])
def test_what_was_removed_under_the_store_is_written_anew(
    tmp_path: Path, remove: Callable[[Path], None], then: str
) -> None:
    """By the next change or look; all that was stored is there, and what comes."""
    folder = tmp_path / "state"
    with closing(SqliteStore(folder)) as store:
        store.transaction(lambda _: CONFIG)
        remove(folder)
        if then == "change":
            assert store.transaction(lambda _: OTHER).revision == 2
        else:
            store.keep()
            store.keep()
            assert (folder / "vswitch.db").exists()
            assert (folder / "vswitch.db.lock").exists()
        copied = tmp_path / "copy"  # what a daemon after a crash at this moment would find
        shutil.copytree(folder, copied)
        newest = store.read()
    for place in (copied, folder):
        with closing(SqliteStore(place)) as again:
            assert again.read() == newest


def test_a_file_that_was_put_in_its_place_is_left_alone_and_nothing_is_stored(
    tmp_path: Path,
) -> None:
    folder, backup = tmp_path / "state", filled(tmp_path / "backup", Config((Bridge("old"),)))
    before = backup.read_bytes()
    with closing(SqliteStore(folder)) as store:
        store.transaction(lambda _: CONFIG)
        shutil.copy(backup, folder / "new")
        os.replace(folder / "new", folder / "vswitch.db")
        for _ in range(2):
            with pytest.raises(StoreError, match=r"another file was put in its place.*; restart"):
                store.transaction(lambda _: OTHER)
            with pytest.raises(StoreError, match="another file was put in its place"):
                store.keep()
        assert store.read().config == CONFIG
        assert (folder / "vswitch.db").read_bytes() == before
        assert not (folder / "vswitch.db-wal").exists()
    with closing(SqliteStore(folder)) as store:
        assert store.read().config.bridge("old")


def test_a_file_in_its_place_that_is_removed_again_makes_room_for_ours(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path)) as store:
        store.transaction(lambda _: CONFIG)
        os.replace(tmp_path / "vswitch.db", tmp_path / "kept")
        (tmp_path / "vswitch.db").touch()
        with pytest.raises(StoreError):
            store.keep()
        (tmp_path / "vswitch.db").unlink()
        store.transaction(lambda _: OTHER)
    with closing(SqliteStore(tmp_path)) as store:
        assert store.read() == Snapshot(2, OTHER)


def test_a_file_that_comes_back_is_taken_up_again(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path)) as store:
        store.transaction(lambda _: CONFIG)
        os.replace(tmp_path / "vswitch.db", tmp_path / "kept")
        (tmp_path / "vswitch.db").touch()
        with pytest.raises(StoreError):
            store.keep()
        os.replace(tmp_path / "kept", tmp_path / "vswitch.db")
        store.transaction(lambda _: OTHER)
    with closing(SqliteStore(tmp_path)) as store:
        assert store.read() == Snapshot(2, OTHER)


def test_a_full_disk_while_it_is_put_back_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SqliteStore(tmp_path)) as store:
        store.transaction(lambda _: CONFIG)
        (tmp_path / "vswitch.db").unlink()

        def full(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(module, "_write", full)
            for _ in range(2):
                with pytest.raises(StoreError, match="disk is full"):
                    store.transaction(lambda _: OTHER)
        assert store.read().config == CONFIG
        store.transaction(lambda _: OTHER)
    with closing(SqliteStore(tmp_path)) as store:
        assert store.read() == Snapshot(2, OTHER)


def test_a_store_in_a_folder_that_was_removed_can_be_closed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state")
    store.transaction(lambda _: CONFIG)
    shutil.rmtree(tmp_path / "state")
    store.close()
    store.close()
    store.keep()
    assert not (tmp_path / "state").exists()
