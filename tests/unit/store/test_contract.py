"""The one contract of all stores, run over each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.configs import configs
from vswitch.schema import Bridge, Config, Port, Queue
from vswitch.store import Change, Snapshot, Store
from vswitch.store.memory import MemoryStore
from vswitch.store.sqlite import SqliteStore

ENGINES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda folder: MemoryStore(),
    "sqlite": lambda folder: SqliteStore(folder / "state"),
}


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = ENGINES[request.param](tmp_path)
    yield made
    made.close()


def to(*names: str) -> Change:
    """A change to just these bridges."""
    return lambda config: Config(tuple(Bridge(name) for name in names))


def test_a_new_store_is_empty_at_revision_0(store: Store) -> None:
    assert store.read() == Snapshot(0, Config())


def test_a_transaction_is_read_back_with_the_next_revision(store: Store) -> None:
    assert store.transaction(to("a")) == Snapshot(1, Config((Bridge("a"),)))
    assert store.transaction(to("a", "b")).revision == 2
    assert store.read() == Snapshot(2, Config((Bridge("a"), Bridge("b"))))


def test_a_change_starts_from_what_is_stored(store: Store) -> None:
    store.transaction(to("a"))
    store.transaction(lambda config: config.with_bridge(Bridge("b")))
    assert [bridge.name for bridge in store.read().config.bridges] == ["a", "b"]


def test_an_equal_configuration_keeps_its_revision_and_tells_nobody(store: Store) -> None:
    store.transaction(to("a"))
    heard: list[Snapshot] = []
    store.watch(1, heard.append)
    assert store.transaction(to("a")).revision == 1
    assert heard == []
    store.transaction(to("b"))
    assert [snapshot.revision for snapshot in heard] == [2]


def test_a_change_that_raises_leaves_the_store_as_it_was(store: Store) -> None:
    store.transaction(to("a"))
    heard: list[Snapshot] = []
    store.watch(1, heard.append)
    with pytest.raises(ZeroDivisionError):
        store.transaction(lambda config: 1 // 0)  # type: ignore[arg-type, return-value]
    assert store.read() == Snapshot(1, Config((Bridge("a"),)))
    assert heard == []
    store.transaction(to("b"))
    assert [snapshot.revision for snapshot in heard] == [2]


def test_a_watcher_hears_of_each_change_after_its_revision(store: Store) -> None:
    heard: list[int] = []
    store.watch(0, lambda snapshot: heard.append(snapshot.revision))
    store.transaction(to("a"))
    store.transaction(to("b"))
    assert heard == [1, 2]


def test_a_late_watcher_hears_at_once_of_what_it_missed(store: Store) -> None:
    for name in "abc":
        store.transaction(to(name))
    heard: list[Snapshot] = []
    store.watch(1, heard.append)
    store.watch(3, lambda snapshot: pytest.fail("it is up to date"))
    assert heard == [Snapshot(3, Config((Bridge("c"),)))]


def test_a_watcher_that_ended_hears_nothing_more(store: Store) -> None:
    heard: list[Snapshot] = []
    others: list[Snapshot] = []
    stop = store.watch(0, heard.append)
    store.watch(0, others.append)
    stop()
    stop()
    store.transaction(to("a"))
    assert (len(heard), len(others)) == (0, 1)


def test_a_watcher_may_change_the_store(store: Store) -> None:
    seen: list[tuple[str, int]] = []

    def first(snapshot: Snapshot) -> None:
        seen.append(("first", snapshot.revision))
        store.transaction(to("a", "b"))

    store.watch(0, first)
    store.watch(0, lambda snapshot: seen.append(("second", snapshot.revision)))
    store.transaction(to("a"))
    assert seen == [("first", 1), ("first", 2), ("second", 2)]


def test_the_order_in_which_things_were_given_is_kept(store: Store) -> None:
    bridge = Bridge("z", ports=(Port("p2"), Port("p1", number=9)),
                    queues=(Queue("p1", 5), Queue("p2", 1)))  # fmt: skip
    store.transaction(lambda config: Config((bridge, Bridge("a"))))
    backwards = bridge.changed(ports=bridge.ports[::-1], queues=bridge.queues[::-1])
    reordered = Config((Bridge("a"), backwards))
    assert store.transaction(lambda config: reordered).config == reordered


def test_close_may_be_called_again(store: Store) -> None:
    store.close()
    store.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(configs(), max_size=5))
def test_any_configuration_is_read_back_whole(store: Store, wanted: list[Config]) -> None:
    for config in wanted:
        before = store.read().revision
        after = store.transaction(lambda _, config=config: config)  # type: ignore[misc]
        assert after.config == config
        assert after.revision - before in (0, 1)
    assert not wanted or store.read().config == wanted[-1]
