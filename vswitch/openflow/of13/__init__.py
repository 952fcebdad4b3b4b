"""OpenFlow 1.3: how each message lies in bytes, one file a noun.

Layouts are those of the OpenFlow Switch Specification 1.3.5, whose sections the
files name.  Matches, actions, instructions and flow-mods lie in `datapath`,
where rules are read and written too.
"""

from vswitch.openflow.dialect import Dialect
from vswitch.openflow.of13 import flow, group, meter, packet, port, queue, session, switch, table
from vswitch.openflow.of13.multipart import HEAD, MultipartCodec
from vswitch.openflow.of13.tables import Entries

_NOUNS = (session, switch, flow, port, table, group, meter, queue)

REQUESTS: Entries = {number: entry for noun in _NOUNS for number, entry in noun.REQUESTS.items()}
REPLIES: Entries = {number: entry for noun in _NOUNS for number, entry in noun.REPLIES.items()}
MESSAGES: Entries = {
    number: entry for noun in (*_NOUNS, packet) for number, entry in noun.MESSAGES.items()
}

OF13 = Dialect(
    version=4,
    messages=MESSAGES,
    requests=(18, REQUESTS, MultipartCodec(REQUESTS)),
    replies=(19, REPLIES, MultipartCodec(REPLIES)),
    multipart_head=HEAD,
)
