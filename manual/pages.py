"""The manual pages: what each program declares of itself, in the order of man pages.  Pure."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping

from containers.requests import EXAMPLES as CONTAINER_EXAMPLES
from containers.requests import REQUESTS as CONTAINER_REQUESTS
from controlplane import options as controller
from manual import roff
from vswitch import __version__, pages, words
from vswitch.cli.commands import COMMANDS
from vswitch.cli.globals import OPTIONS
from vswitch.daemon.options import parser
from vswitch.errors import Exit
from vswitch.requests import Request

VERSION = f"vswitch {__version__}"

EXITS: Mapping[Exit, str] = {
    Exit.OK: "It is done.",
    Exit.FAILED: "It could not be done; the sentence on standard error says why, and what to do.",
    Exit.USAGE: "The words don't fit the command, or a value is none.",
    Exit.NOT_FOUND: "What is named is not there.",
    Exit.DIFFERS: "plan: the host is not as the file says.",
    Exit.NOT_ACTIVE: "It is stored, but not in force yet; the daemon goes on trying.",
    Exit.TIMED_OUT: "No answer came in time (--timeout).",
    Exit.NOT_EXECUTABLE: "run, exec: the command is there, but can't be executed.",
    Exit.NOT_THERE: "run, exec: there is no such command.",
}
_INTERRUPTED = (130, "Interrupted by Ctrl-C.")


def vswitch() -> Iterator[str]:
    """vswitch(1): the command line with all its commands."""
    yield from roff.head("vswitch", 1, VERSION, "User Commands")
    yield from _name("vswitch", "the virtual switch's one command")
    yield from roff.section("synopsis")
    yield from roff.paragraph("vswitch [options] COMMAND ...")
    yield from roff.section("description")
    yield from roff.paragraph(
        "Makes bridges, puts interfaces and containers on their ports, says what passes and why.\n"
        "A daemon, vswitchd(8), does the work; this asks it. What is configured stays until it is\n"
        "taken away, over restarts of everything."
    )
    yield from roff.section("options")
    yield from roff.paragraph("Anywhere in the line; for run and exec before the word.")
    for option in OPTIONS:
        value = f"[{option.metavar}]" if option.optional else option.metavar
        yield from roff.item(f"{', '.join(option.spelt)} {value}".strip(), option.help)
    yield from roff.section("commands")
    for name, command in COMMANDS.items():
        example = f"{name} {command.example}" if command.example else ""
        yield from _command(name, command.request, example, command.usage)
    for name, request in CONTAINER_REQUESTS.items():
        yield from _command(name, request, CONTAINER_EXAMPLES.get(name, ""), "")
    yield from roff.section("exit status")
    for code, text in [*((int(code), text) for code, text in EXITS.items()), _INTERRUPTED]:
        yield from roff.item(str(code), text)
    yield from roff.section("environment")
    yield from roff.item("VSWITCH_RUN", "The daemon's run folder, if --run doesn't say it.")
    yield from roff.item("VSWITCH_TIMEOUT", "Seconds for an answer, if --timeout doesn't say them.")
    yield from _see_also("vswitchd(8)", "vswitch-controller(8)", "vswitch-forwarder(8)", "ip(8)")


def vswitchd() -> Iterator[str]:
    """vswitchd(8): the daemon."""
    yield from roff.head("vswitchd", 8, VERSION, "System Administration")
    yield from _name("vswitchd", "the virtual switch's daemon")
    yield from roff.section("synopsis")
    yield from roff.paragraph("vswitchd [--state DIR] [--run DIR] [--adopt]")
    yield from roff.paragraph("vswitchd --ephemeral [--run DIR] [--bridge NAME [options]]...")
    yield from roff.section("description")
    yield from roff.paragraph(
        "Keeps what is configured and what runs the same. It starts vswitch-forwarder(8), which\n"
        "moves the packets, or takes over one that is there, speaks OpenFlow for each bridge, and\n"
        "answers vswitch(1) on a socket in its run folder. Killed and started again it goes on\n"
        "without losing a packet. It prints a line with the word ready once all is in place; its\n"
        "log goes to standard error."
    )
    yield from roff.section("options")
    yield from _of_parser(parser())
    yield from roff.section("files")
    yield from roff.item("/run/vswitch", "root's run folder: sockets; others have one of their own")
    yield from roff.item("/var/lib/vswitch", "root's state folder: the configuration, in SQLite")
    yield from roff.section("environment")
    yield from roff.item("VSWITCH_RUN", "The run folder, if --run doesn't say it.")
    yield from roff.item("VSWITCH_FORWARDER", "The forwarder's program, if it is another one.")
    yield from _see_also("vswitch(1)", "vswitch-forwarder(8)", "vswitch-controller(8)")


def vswitch_controller() -> Iterator[str]:
    """vswitch-controller(8): where OpenFlow apps run."""
    yield from roff.head("vswitch-controller", 8, VERSION, "System Administration")
    yield from _name("vswitch-controller", "runs OpenFlow controller apps of os-ken and Ryu")
    yield from roff.section("synopsis")
    yield from roff.paragraph("vswitch-controller [options] APP...")
    yield from roff.section("description")
    yield from roff.paragraph(
        "Loads apps written for os-ken or Ryu, unmodified, and waits for switches to connect.\n"
        "APP is a module, a file, or the name of an app that comes along: learning, a learning\n"
        "switch."
    )
    yield from roff.section("options")
    yield from roff.paragraph(
        "These, and all options of ryu-manager, which vswitch-controller --help lists:"
    )
    for option in controller.OWN:
        if not option.positional:
            tag = f"--{option.name}" + ("" if option.metavar is None else f" {option.metavar}")
            yield from roff.item(tag, option.help)
    yield from roff.section("examples")
    yield from roff.example(["vswitch-controller --listen tcp:127.0.0.1:6653 learning"])
    yield from _see_also("vswitchd(8)", "vswitch(1)")


FORWARDER_OPTIONS = {
    "--listen PATH": "the socket that its daemon connects to",
    "--ephemeral": "end when the daemon goes away",
}
"""As `vswitch-forwarder` itself says without arguments."""


def vswitch_forwarder() -> Iterator[str]:
    """vswitch-forwarder(8): the process that moves packets."""
    yield from roff.head("vswitch-forwarder", 8, VERSION, "System Administration")
    yield from _name("vswitch-forwarder", "moves the virtual switch's packets")
    yield from roff.section("synopsis")
    yield from roff.paragraph("vswitch-forwarder --listen PATH [--ephemeral]")
    yield from roff.section("description")
    yield from roff.paragraph(
        "Holds the ports and tables of all bridges and moves their packets. It knows neither a\n"
        "configuration nor a controller: vswitchd(8) starts and drives it, and when that dies it\n"
        "goes on as it is. Nobody else needs to start it, but a service of its own lets the\n"
        "daemon be restarted alone (vswitchd --adopt)."
    )
    yield from roff.section("options")
    for tag, text in FORWARDER_OPTIONS.items():
        yield from roff.item(tag, text)
    yield from _see_also("vswitchd(8)", "vswitch(1)")


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "man1/vswitch.1": vswitch,
    "man8/vswitchd.8": vswitchd,
    "man8/vswitch-controller.8": vswitch_controller,
    "man8/vswitch-forwarder.8": vswitch_forwarder,
}
"""Where a page lies below man/ -> what it says."""


def _name(name: str, what: str) -> Iterator[str]:
    yield from roff.section("name")
    yield f"{roff.escaped(name)} \\- {roff.escaped(what)}"


def _command(name: str, request: Request, example: str, usage: str) -> Iterator[str]:
    yield from roff.subsection(pages.usage_line(name, request, usage))
    yield from roff.paragraph(request.about or f"{request.help[:1].upper()}{request.help[1:]}.")
    if not usage:
        for place in (p for p in request.parameters if p.positional):
            yield from roff.item(words.metavar(place), place.setting.help)
        for option in words.options(request):
            tag = f"{', '.join(words.named(option))} {option.setting.metavar}".strip()
            yield from roff.item(tag, option.setting.help)
    if example:
        yield from roff.example([f"vswitch {example}"])


def _of_parser(known: argparse.ArgumentParser) -> Iterator[str]:
    for action in known._actions:
        value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
        tag = f"{', '.join(action.option_strings)} {value}".strip()
        yield from roff.item(tag, str(action.help or ""))


def _see_also(*pages: str) -> Iterator[str]:
    yield from roff.section("see also")
    yield from roff.paragraph(", ".join(pages))


def text(lines: Iterable[str]) -> str:
    """A whole page."""
    return "".join(f"{line}\n" for line in lines)
