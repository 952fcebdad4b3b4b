"""Links and namespaces: what the switch and the containers ask of the kernel's network side.

The only room that imports pyroute2 (and only when it is first needed).  It knows nothing of
the switch.  See README.md.
"""

from datapath.kernel.elsewhere import NamespaceWatch, Whereabouts, whereabouts
from datapath.kernel.link import Link, delete, link, links, make_veth_pair
from datapath.kernel.name import check_name
from datapath.kernel.namespace import (
    inside,
    new_namespace,
    open_lasting_namespace,
    open_namespace,
)
from datapath.kernel.packet_socket import open_packet_port, packet_interface
from datapath.kernel.place import make_tap_inside, place
from datapath.kernel.problem import KernelError
from datapath.kernel.tap import make_tap, tap_interface
from datapath.kernel.watch import LinkChange, LinkWatch, watch

__all__ = [
    "KernelError",
    "Link",
    "LinkChange",
    "LinkWatch",
    "NamespaceWatch",
    "Whereabouts",
    "check_name",
    "delete",
    "inside",
    "link",
    "links",
    "make_tap",
    "make_tap_inside",
    "make_veth_pair",
    "new_namespace",
    "open_lasting_namespace",
    "open_namespace",
    "open_packet_port",
    "packet_interface",
    "place",
    "tap_interface",
    "watch",
    "whereabouts",
]
