"""`vswitch-controller APP...`: runs os-ken apps and unmodified Ryu apps.

Neither project ships a launcher that works today, and the order in which things are imported
decides whether one does: the eventlet hub must be chosen and patched in before os-ken is imported
(os-ken's native hub neither waits with a time limit nor kills), `app_manager` before anything else
of os-ken, and every module that declares options before those are parsed. `main` keeps that order;
the rest says in one sentence what is wrong with an app, an address or a port.
"""

import errno
import importlib
import logging
import os
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Iterable
from logging.handlers import SysLogHandler
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from controlplane import apploader, options
from controlplane.options import Listen
from vswitch import logs, notify, signals, streams
from vswitch.errors import Exit, Failure

END_SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE_S = 3
"""Apps get this long to end after SIGTERM; then the process ends without them."""


def check_port_is_free(listen: Listen, option: str) -> None:
    """Tries the port once: eventlet would share it with another process without a word."""
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
        do = f"choose another {option}"
        if error.errno == errno.EADDRINUSE:
            do = f"end what listens there (ss -ltnp shows it), or {do}"
        raise Failure(what, error.strerror or str(error), do) from None


def prepare_os_ken(arguments: list[str]) -> Any:
    """Imports os-ken in the order that works and parses the command line; CONF."""
    os.environ["OSKEN_HUB_TYPE"] = "eventlet"
    warnings.filterwarnings("ignore", message="(?s).*Eventlet is deprecated")  # os-ken's business
    from os_ken.lib import hub

    hub.patch(thread=False)
    importlib.import_module("os_ken.base.app_manager")

    from controlplane import guard, mends, ryu_alias

    mends.apply()
    ryu_alias.install()
    guard.install()
    options.declare()
    conf = options.read(arguments)
    if not conf.enable_debugger:
        hub.patch(thread=True)
    return conf


def start_logging(conf: Any) -> None:
    """As the options say; os-ken tells its own steps only with --verbose."""
    importlib.import_module("os_ken.log").init_log()
    if not conf.log_config_file:
        set_formats(logging.getLogger().handlers)
    if not conf.verbose:
        logging.getLogger("os_ken.base.app_manager").setLevel(logging.WARNING)


def set_formats(handlers: Iterable[logging.Handler]) -> None:
    """Lines with time and level; syslog has both by itself."""
    for handler in handlers:
        if isinstance(handler, SysLogHandler):
            handler.setFormatter(logging.Formatter(f"{options.PROGRAM}: %(message)s"))
        elif isinstance(handler, logging.FileHandler):
            handler.setFormatter(logs.Dated(options.PROGRAM))
        else:
            handler.setFormatter(logs.for_stderr(options.PROGRAM))


def run(arguments: list[str]) -> None:
    """Loads the apps and serves switches until SIGTERM, SIGINT or the last app's end."""
    conf = prepare_os_ken(arguments)
    apps = options.apps_of(conf)
    listen = options.listen_of(conf)
    is_tls = conf.ctl_privkey is not None and conf.ctl_cert is not None
    if is_tls and conf.ofp_ssl_listen_port:
        listen = Listen(listen.host, conf.ofp_ssl_listen_port)
    check_port_is_free(listen, "--listen")
    conf.set_override("ofp_listen_host", listen.host)
    conf.set_override("ofp_ssl_listen_port" if is_tls else "ofp_tcp_listen_port", listen.port)
    start_logging(conf)
    if conf.pid_file:
        write_pid_file(Path(conf.pid_file))

    modules = [apploader.load(app) for app in apps]
    services, http = start(modules, Listen(conf.wsapi_host, conf.wsapi_port))
    end_on_signals(services)
    where = f"{'ssl' if is_tls else 'tcp'}:{listen}" + (f", http://{http}/" if http else "")
    notify.tell("READY=1", f"STATUS={', '.join(apps)} on {where}")
    print(f"{options.PROGRAM}: {', '.join(apps)} on {where}", flush=True)
    serve(services)


def write_pid_file(path: Path) -> None:
    """For scripts that stop us."""
    try:
        path.write_text(f"{os.getpid()}\n")
    except OSError as error:
        why = error.strerror or str(error)
        raise Failure(f"--pid-file {path}", why, "choose another path") from None


def start(modules: list[str], http: Listen) -> tuple[list[Any], Listen | None]:
    """Instantiates the apps of `modules` and what they need.

    Returns the threads that run them, and where HTTP is served if an app asked for it.
    """
    from os_ken.base.app_manager import AppManager
    from os_ken.lib import hub

    from controlplane.wsgi import WSGIApplication, WSGIServer

    manager = AppManager.get_instance()
    try:
        # The handler stands for the app that talks OpenFlow; apps that only use it name it too.
        manager.load_apps([*modules, "os_ken.controller.ofp_handler"])
        contexts = manager.create_contexts()
        webs = [one for one in contexts.values() if isinstance(one, WSGIApplication)]
        if webs:
            check_port_is_free(http, "--wsapi-port")
        services = manager.instantiate_apps(**contexts)
    except Failure:
        raise
    except Exception as error:
        raise apploader.failure("starting", ", ".join(modules), error) from error
    services += [hub.spawn(WSGIServer(web)) for web in webs[:1]]
    return services, http if webs else None


def serve(services: list[Any]) -> None:
    """Waits for the threads to end, and closes the apps in order."""
    from os_ken.base.app_manager import AppManager
    from os_ken.lib import hub

    try:
        hub.joinall(services)
    finally:
        AppManager.get_instance().close()


def end_on_signals(services: list[Any]) -> None:
    """SIGTERM and SIGINT close the apps in order; a stuck app does not keep the process alive.

    Nothing is raised from the handler: it would land in whatever app is just running. A pipe
    wakes a thread of the hub, which ends the services; then `serve` returns.
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
        apps = AppManager.get_instance().applications.values()
        naps = [thread for app in apps for thread in app.threads]  # of some seconds, some of them
        for thread in services + naps:
            hub.kill(thread)

    signal.set_wakeup_fd(writing)
    for number in END_SIGNALS:
        signal.signal(number, lambda _signal, _frame: None)
    hub.spawn(wait_for_signal)


@streams.command(options.PROGRAM)
def main(arguments: list[str] | None = None) -> int:
    """The command `vswitch-controller`; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signals.bear()
    try:
        run(arguments)
    except Failure as failure:
        if "--verbose" in arguments and failure.__cause__ is not None:
            traceback.print_exception(failure.__cause__)
        print(f"{options.PROGRAM}: {failure}", file=sys.stderr)
        return failure.exit
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
