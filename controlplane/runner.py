"""`vswitch-controller APP...`: runs os-ken apps and unmodified Ryu apps.

Neither project ships a launcher that works today, and the order in which things are imported
decides whether one does: the eventlet hub must be chosen and patched in before os-ken is imported
(os-ken's native hub neither waits with a time limit nor kills), `app_manager` before anything else
of os-ken, and every module that declares options before those are parsed. `main` keeps that order;
the rest says in one sentence what is wrong with an app's name, an address or a port.
"""

import argparse
import importlib
import importlib.util
import logging
import os
import signal
import socket
import sys
import warnings
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from controlplane import apploader
from vswitch.errors import Exit, Failure

END_SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE_S = 3
"""Apps get this long to end after SIGTERM; then the process ends without them."""


@dataclass(frozen=True)
class Listen:
    """Where switches connect: an IP address and a TCP port."""

    host: str
    port: int


def parse_listen(text: str) -> Listen:
    """`tcp:127.0.0.1:6653`, `tcp:[::1]:6653` or `tcp:6653` (all addresses)."""
    kind, _, rest = text.partition(":")
    host, _, port = rest.rpartition(":")
    if kind != "tcp" or not port.isdecimal() or not 0 < int(port) < 65536:
        why = "an address looks like tcp:127.0.0.1:6653"
        raise Failure(f"--listen {text}", why, "give protocol, address and port", Exit.USAGE)
    return Listen(host.strip("[]") or "0.0.0.0", int(port))


def check_port_is_free(listen: Listen) -> None:
    """Tries the port once: os-ken would share it with another controller without a word."""
    what = f"listening on {listen.host} port {listen.port}"
    try:
        family, *_, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        do = "end what listens there (ss -ltnp shows it), or choose another --listen"
        raise Failure(what, error.strerror or str(error), do) from None


def prepare_os_ken(listen: Listen) -> None:
    """Imports os-ken in the order that works and sets its options."""
    os.environ["OSKEN_HUB_TYPE"] = "eventlet"
    warnings.filterwarnings("ignore", message="(?s).*Eventlet is deprecated")  # os-ken's business
    from os_ken.lib import hub

    hub.patch(thread=False)
    importlib.import_module("os_ken.base.app_manager")
    importlib.import_module("os_ken.flags")
    log = importlib.import_module("os_ken.log")
    importlib.import_module("os_ken.controller.controller")
    if importlib.util.find_spec("os_ken.app.wsgi"):  # declares options; not in every version
        importlib.import_module("os_ken.app.wsgi")
    from os_ken import cfg

    from controlplane import guard, ryu_alias

    ryu_alias.install()
    guard.install()
    cfg.CONF(args=[], project="os_ken", default_config_files=[])
    cfg.CONF.set_override("ofp_listen_host", listen.host)
    cfg.CONF.set_override("ofp_tcp_listen_port", listen.port)
    cfg.CONF.set_override("default_log_level", logging.INFO)
    log.init_log()
    logging.getLogger("os_ken.base.app_manager").setLevel(logging.WARNING)  # tells its own steps


def run(apps: list[str], listen: Listen) -> None:
    """Loads the apps and serves switches until SIGTERM, SIGINT or the last app's end."""
    check_port_is_free(listen)
    prepare_os_ken(listen)
    modules = [apploader.load(app) for app in apps]
    from os_ken.base.app_manager import AppManager

    end_on_signals()
    print(f"vswitch-controller: {', '.join(apps)} on tcp:{listen.host}:{listen.port}", flush=True)
    # The handler stands for the app that talks OpenFlow; apps that only use it name it themselves.
    AppManager.run_apps([*modules, "os_ken.controller.ofp_handler"])


def end_on_signals() -> None:
    """SIGTERM and SIGINT close the apps in order; a stuck app does not keep the process alive.

    Nothing is raised from the handler: it would land in whatever app is just running. A pipe
    wakes a thread of the hub, which ends the apps' own; then `run_apps` returns.
    """
    from eventlet import hubs
    from os_ken.base.app_manager import AppManager
    from os_ken.lib import hub

    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def out_of_time(_signal: int, _frame: FrameType | None) -> NoReturn:
        os._exit(Exit.OK)

    def wait_for_signal() -> None:
        told = b""
        while not set(told) & set(END_SIGNALS):  # other signals wake the pipe, too
            hubs.trampoline(reading, read=True)
            told = os.read(reading, 64)
        signal.signal(signal.SIGALRM, out_of_time)
        signal.alarm(GRACE_S)
        for app in AppManager.get_instance().applications.values():
            if app.main_thread is not None:
                hub.kill(app.main_thread)

    signal.set_wakeup_fd(writing)
    for number in END_SIGNALS:
        signal.signal(number, lambda _signal, _frame: None)
    hub.spawn(wait_for_signal)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="vswitch-controller",
        description="Run os-ken apps and unmodified Ryu apps.",
        epilog=f"Bundled apps: {', '.join(apploader.bundled())}.",
    )
    result.add_argument("apps", nargs="+", metavar="APP", help="a module, a file, a bundled name")
    result.add_argument(
        "--listen",
        default="tcp:127.0.0.1:6653",
        metavar="tcp:ADDRESS:PORT",
        help="where switches connect (default: %(default)s)",
    )
    return result


def main(arguments: list[str] | None = None) -> int:
    """The command `vswitch-controller`; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        run(options.apps, parse_listen(options.listen))
    except Failure as failure:
        print(f"vswitch-controller: {failure}", file=sys.stderr)
        return failure.exit
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
