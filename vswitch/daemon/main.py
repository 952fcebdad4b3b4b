"""The command `vswitchd`: folders, lock, store, daemon, operator API, and their end.

Start in this order: the folders are taken before anything is touched, the forwarder and all that is
wanted stand before the operator API says so, and one line on standard output says that it does.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from vswitch import logs, notify, signals
from vswitch.daemon import folders as places
from vswitch.daemon import options as words
from vswitch.daemon import reload, supervise
from vswitch.daemon.daemon import Daemon, with_dpids
from vswitch.daemon.link import ForwarderGone
from vswitch.daemon.links import follow
from vswitch.daemon.methods import methods
from vswitch.daemon.options import BridgeOption, Options, PortOption, QueueOption
from vswitch.daemon.upkeep import Upkeep
from vswitch.errors import Failure, SchemaError, shown
from vswitch.reconcile import settle
from vswitch.rpc.server import Server
from vswitch.schema import Bridge, Config, Controller, Port, Queue
from vswitch.store import Store
from vswitch.values import port_number_text

log = logging.getLogger("vswitch.daemon")


def run(arguments: Sequence[str] | None = None) -> int:
    """A daemon's life by its command line; the exit code."""
    signals.bear()
    options = words.read(sys.argv[1:] if arguments is None else arguments)
    _allow_descriptors()
    try:
        logs.start("vswitchd", options.log_file)
        config = reload.read(options.config) if options.config else configured(options.bridges)
        folders = places.choose(options.state, options.run, options.ephemeral)
        folders.require_free(target for bridge in config.bridges for target in bridge.listen)
    except Failure as failure:
        return _say(failure)
    try:
        locks = folders.lock()
    except Failure as failure:
        return _say(failure)
    try:
        folders.say_state()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_live(options, folders, config, locks))
    except Failure as failure:
        return _say(failure)
    except ForwarderGone as gone:
        return _say(Failure("forwarder", str(gone), f"see {folders.forwarder_log}"))
    finally:
        if options.ephemeral:  # before the next daemon may have the folder
            folders.clear(locks)
        places.release(locks)
    return 0


def share_turns() -> None:
    """What takes long (lists, plans) is on threads beside the event loop: a thread gives way within
    a millisecond, and Python's garbage collector, which lets nobody else run, looks seldom, and no
    more at what is there for good."""
    sys.setswitchinterval(0.001)
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 50, 20)


def _allow_descriptors() -> None:
    """As many open files as we may have: thousands of idle peers must not keep a port out."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop where it is there: a relay through it takes half the time."""
    try:
        import uvloop
    except ImportError:
        return None
    return cast(Callable[[], asyncio.AbstractEventLoop], uvloop.new_event_loop)


def _say(failure: Failure) -> int:
    print(f"vswitchd: {failure}", file=sys.stderr)
    return int(failure.exit)


async def _live(
    options: Options, folders: places.Folders, config: Config, locks: places.Locks
) -> None:
    daemon = Daemon(folders, _store(folders), ephemeral=options.ephemeral, adopt=options.adopt)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.end, number.name)
    if options.ephemeral:
        daemon.store.transaction(lambda _: settle(with_dpids(config), Config()))
    server = Server(folders.api, methods(daemon))
    try:
        await supervise.start(daemon)
        if options.ephemeral and (failures := daemon.not_active()):
            raise failures[0]
        if options.config and not options.ephemeral:  # not before: it may have ports that we adopt
            await reload.apply(daemon, config)
        loop.add_signal_handler(signal.SIGHUP, reload.Reloader(daemon, options.config).tell)
        await server.start()
        share_turns()
        _announce(daemon)
        daemon.spawn(follow(daemon))
        daemon.spawn(Upkeep(daemon, locks, server).follow())
        why = await daemon.ended
        log.info("ending: %s", why)
        notify.tell("STOPPING=1")
    finally:
        await supervise.stop(daemon, forwarder=options.ephemeral or daemon.lost)
        await server.close()


def _store(folders: places.Folders) -> Store:
    if folders.state is None:
        from vswitch.store.memory import MemoryStore

        return MemoryStore()
    from vswitch.store.sqlite import SqliteStore

    return SqliteStore(folders.state)


def _announce(daemon: Daemon) -> None:
    """Tells whoever started us that everything stands, and where; a closed pipe is fine."""
    assert daemon.forwarder
    pid, run = daemon.forwarder.hello.pid, daemon.folders.run
    notify.tell("READY=1", f"STATUS=run folder {run}, forwarder {pid}")
    with suppress(OSError):
        print(f"vswitchd is ready: run folder {run}, forwarder {pid}", flush=True)


def configured(bridges: Sequence[BridgeOption]) -> Config:
    """The configuration that a command line asks for; SchemaError says what it refuses."""
    return Config(tuple(_bridge(option) for option in bridges))


def _bridge(option: BridgeOption) -> Bridge:
    """With a controller the fail mode is secure, else standalone, unless it is said."""
    chosen: dict[str, Any] = {"dpid": option.dpid}
    for key in ("protocols", "mac_age", "mac_limit", "flood_rate"):
        if (said := getattr(option, key)) is not None:
            chosen[key] = said
    bridge = Bridge(
        option.name,
        fail_mode=option.fail_mode or ("secure" if option.controllers else "standalone"),
        listen=option.listen,
        ports=tuple(map(_port, option.ports)),
        controllers=tuple(map(Controller, option.controllers)),
        **chosen,
    )
    numbered = bridge.numbered()
    return bridge.changed(queues=tuple(_queue(numbered, queue) for queue in option.queues))


def _port(option: PortOption) -> Port:
    keys = ("kind", "tag", "trunks", "vlan_mode")
    said = {key: value for key in keys if (value := getattr(option, key)) is not None}
    return Port(option.name, number=option.number, **said)


def _queue(bridge: Bridge, option: QueueOption) -> Queue:
    """A queue of the port that is called or else numbered so."""
    by_word = {str(port_number_text(port.number)).lower(): port.name for port in bridge.ports}
    name = option.port if bridge.port(option.port) else by_word.get(option.port.lower())
    if name is None:
        what = f"queue {option.number} of port {shown(option.port)}"
        why, do = f"bridge {bridge.name} has no such port", "name it with --port"
        raise SchemaError(what, why, do)
    return Queue.from_json({"port": name, "number": option.number, "max_rate": option.rate})
