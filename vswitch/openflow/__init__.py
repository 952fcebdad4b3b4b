"""OpenFlow without sockets: messages to and from bytes, framing, negotiation.

What others use is named here; the messages themselves are in
`vswitch.openflow.messages`, one file a noun.  See README.md.
"""

from datapath.problems import Error, ProtocolProblem
from vswitch.openflow.codec import answer, decode, encode
from vswitch.openflow.framing import Frames
from vswitch.openflow.messages import Message, MultipartReply, MultipartRequest
from vswitch.openflow.negotiation import negotiate, own_hello, refusal

__all__ = [
    "Error",
    "Frames",
    "Message",
    "MultipartReply",
    "MultipartRequest",
    "ProtocolProblem",
    "answer",
    "decode",
    "encode",
    "negotiate",
    "own_hello",
    "refusal",
]
