"""The options of `vswitch-controller`: those of ryu-manager, and `--listen`.

oslo.config holds them, since apps read theirs from it (`CONF.register_opts`). Every module that
declares options of the command line is imported before `read` parses; an app can add more by
`--user-flags FILE`, as in Ryu. What can't be is a `Failure` with exit code 2.
"""

import contextlib
import importlib
import io
import runpy
from dataclasses import dataclass
from typing import Any

from vswitch.errors import Exit, Failure
from vswitch.streams import Unwritable

PROGRAM = "vswitch-controller"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 6653

DECLARING = (
    "os_ken.flags",
    "os_ken.log",
    "os_ken.controller.controller",
    "os_ken.topology.switches",
    "controlplane.wsgi",
)
"""Modules that declare options of the command line."""


@dataclass(frozen=True)
class Listen:
    """Where switches, or HTTP clients, connect: an IP address and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_listen(text: str) -> Listen:
    """`tcp:127.0.0.1:6653`, `tcp:[::1]:6653`, or as `vswitchd --listen` writes it,
    `ptcp:6653:127.0.0.1`. Without an address: this machine only. All addresses are `0.0.0.0`."""
    kind, _, rest = text.partition(":")
    if kind == "ptcp":
        port, _, host = rest.partition(":")
    else:
        host, _, port = rest.rpartition(":")
    if kind not in ("tcp", "ptcp") or not port.isdecimal() or not 0 < int(port) < 65536:
        why = "an address looks like tcp:127.0.0.1:6653"
        raise Failure(f"--listen {text}", why, "give protocol, address and port", Exit.USAGE)
    return Listen(host.strip("[]") or DEFAULT_HOST, int(port))


_LISTEN_HELP = (
    f"where switches connect: tcp:[ADDRESS:]PORT (tcp:{DEFAULT_HOST}:{DEFAULT_PORT}). "
    "Without ADDRESS from this machine only; tcp:0.0.0.0:PORT from everywhere"
)


@dataclass(frozen=True)
class Own:
    """An option that is ours, not an app's or os-ken's: oslo.config's kind of option, its name,
    help; no 'metavar' for a flag."""

    kind: str
    name: str
    help: str
    metavar: str | None = None
    default: object = None
    positional: bool = False

    def declared(self, cfg: Any) -> Any:
        """The same for oslo.config."""
        more: dict[str, Any] = {"positional": True} if self.positional else {}
        if self.metavar is not None:
            more["metavar"] = self.metavar
        return getattr(cfg, self.kind)(self.name, default=self.default, help=self.help, **more)


OWN = (
    Own("MultiStrOpt", "app", "module, file, bundled name", default=[], positional=True),
    Own("ListOpt", "app-lists", "more apps, with commas between", "APP,...", []),
    Own("StrOpt", "listen", _LISTEN_HELP, "tcp:[ADDRESS:]PORT"),
    Own("StrOpt", "pid-file", "write the process id there", "FILE"),
    Own("StrOpt", "user-flags", "a Python file that declares options of apps", "FILE"),
    Own("BoolOpt", "enable-debugger", "leave Python's threads alone", default=False),
)


def declare() -> None:
    """Makes oslo.config know every option; once, after the hub was patched in."""
    for module in DECLARING:
        importlib.import_module(module)
    from os_ken import cfg

    cfg.CONF.register_cli_opts([own.declared(cfg) for own in OWN])
    cfg.CONF.set_default("ofp_listen_host", DEFAULT_HOST)
    cfg.CONF.set_default("rpc_host", DEFAULT_HOST, group="bgp-app")  # os-ken's is 0.0.0.0


def read(arguments: list[str]) -> Any:
    """The values, as oslo.config's CONF; `--help` and `--version` end the process."""
    from os_ken import cfg

    if file := _user_flags(arguments):
        _declare_users(file)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            cfg.CONF(
                args=arguments,
                project=PROGRAM,
                prog=PROGRAM,
                version=_version(),
                default_config_files=[],
            )
    except SystemExit as end:
        if not end.code:
            raise
        why = said.getvalue().strip().rpartition("error: ")[2]
        raise _misused("command line", why) from None
    except Unwritable:
        raise
    except Exception as error:  # oslo.config has no one base class for a value that can't be
        raise _misused("options", str(error).replace("\n", " ").strip()) from None
    return cfg.CONF


def apps_of(conf: Any) -> list[str]:
    """The apps named, in order; each may be a list with commas."""
    named = [app for some in [*conf.app_lists, *conf.app] for app in some.split(",") if app]
    if not named:
        raise _misused("command line", "no app is named")
    return named


def listen_of(conf: Any) -> Listen:
    """Where switches connect: `--listen`, or Ryu's options."""
    if conf.listen is not None:
        return parse_listen(conf.listen)
    return Listen(conf.ofp_listen_host, conf.ofp_tcp_listen_port or DEFAULT_PORT)


def _user_flags(arguments: list[str]) -> str | None:
    """The value of `--user-flags`, which must be known before anything is parsed."""
    for at, option in enumerate(arguments):
        name, is_joined, joined = option.partition("=")
        if name == "--user-flags":
            return joined if is_joined else next(iter(arguments[at + 1 :]), None)
    return None


def _declare_users(file: str) -> None:
    what = f"--user-flags {file}"
    try:
        runpy.run_path(file)
    except OSError as error:
        raise Failure(what, error.strerror or str(error), "check the path", Exit.USAGE) from None
    except Exception as error:
        why = f"running it failed with {type(error).__name__}: {error}"
        raise Failure(what, why, "correct the file", Exit.USAGE) from error


def _misused(what: str, why: str) -> Failure:
    return Failure(what, why, f"see {PROGRAM} --help", Exit.USAGE)


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("vswitch")
    except metadata.PackageNotFoundError:
        return "from a checkout"
