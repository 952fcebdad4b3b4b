"""What os-ken 4.2 gets wrong and an app, or a switch that is right, would pay for.

Each mend says what goes wrong without it and how to see that it is no longer needed; none changes
what apps see. Mistakes that hostile messages exploit are not here but in `guard`.
"""

import importlib
import sys
from importlib import metadata
from types import SimpleNamespace
from typing import Any

LOCAL = {1: 0xFFFE}
"""OFPP_LOCAL of OpenFlow 1.0; it is 0xfffffffe from 1.1 on."""


def apply() -> None:
    """Mends what needs it; once, after os-ken is imported."""
    give_openflow_10_an_error_type()
    give_os_ken_its_version()
    give_switches_a_local_port()
    let_apps_require_others()


def give_openflow_10_an_error_type() -> None:
    """os-ken's handler asks every error whether it is an experimenter's, by a name that its
    constants of OpenFlow 1.0 lack: the refusal by a switch that does not speak 1.0 ended in a
    traceback instead of a line in the log. 0xffff is no type of 1.0, so the answer is "no"."""
    constants = importlib.import_module("os_ken.ofproto.ofproto_v1_0")
    if not hasattr(constants, "OFPET_EXPERIMENTER"):
        constants.OFPET_EXPERIMENTER = 0xFFFF  # type: ignore[attr-defined]


def give_os_ken_its_version() -> None:
    """os-ken's BGP speaker begins with `from os_ken import version`, a module that is gone."""
    os_ken = importlib.import_module("os_ken")
    if not hasattr(os_ken, "version"):
        os_ken.version = metadata.version("os-ken")  # type: ignore[attr-defined]


class Ports(dict[int, Any]):
    """A switch's ports by number. One that is asked for its local port and lists none (it is
    optional: OpenFlow 1.3.5, 4.5) answers with the address that its datapath id holds (7.3.1)."""

    def __init__(self, datapath: Any, ports: dict[int, Any]) -> None:
        super().__init__(ports)
        self._datapath = datapath

    def __missing__(self, number: int) -> Any:
        """Only for `ports[OFPP_LOCAL]`: the port is in no list and `in` says no."""
        version = self._datapath.ofproto.OFP_VERSION
        if number != LOCAL.get(version, 0xFFFFFFFE) or self._datapath.id is None:
            raise KeyError(number)
        digits = f"{self._datapath.id & 0xFFFF_FFFF_FFFF:012x}"
        address = ":".join(digits[at : at + 2] for at in range(0, 12, 2))
        return SimpleNamespace(port_no=number, hw_addr=address, name="local", config=0, state=0)


def give_switches_a_local_port() -> None:
    """os-ken's LACP and IGMP libraries take their own address from the switch's local port and
    break where there is none."""
    connection = importlib.import_module("os_ken.controller.controller").Datapath

    def get(datapath: Any) -> Any:
        return datapath.__dict__.get("ports")

    def put(datapath: Any, ports: Any) -> None:
        datapath.__dict__["ports"] = None if ports is None else Ports(datapath, ports)

    connection.ports = property(get, put)


IMPORTING = ("importlib", "importlib._bootstrap", "importlib._bootstrap_external")
"""Modules on the stack between one that is imported and the one that asks for it."""


def let_apps_require_others() -> None:
    """`from ryu.topology.api import get_link` makes the importing app need `switches`. os-ken finds
    that app two modules up the stack, where an import through our alias has machinery."""
    between = (*IMPORTING, "controlplane.ryu_alias")

    def require_app(app_name: str, api_style: bool = False) -> None:
        users: list[str] = []
        frame = sys._getframe(1)
        while frame is not None:
            name = frame.f_globals.get("__name__", "")
            if name not in (*between, *users[-1:]):
                users.append(name)
            frame = frame.f_back  # type: ignore[assignment]
        module: Any = sys.modules[users[1 if api_style else 0]]
        module._REQUIRED_APP = [*getattr(module, "_REQUIRED_APP", []), app_name]

    importlib.import_module("os_ken.base.app_manager").require_app = require_app  # type: ignore[attr-defined]
