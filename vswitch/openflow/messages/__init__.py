"""OpenFlow's messages as frozen dataclasses, one file a noun.

No version owns this model: how a message lies in bytes is written in one folder
a version (`vswitch.openflow.of13`), and the numbers of types and errors too.
Numbers that every version gives the same meaning (reasons, commands, flags) are
enums here.
"""

from vswitch.openflow.messages.base import Message, MultipartReply, MultipartRequest

__all__ = ["Message", "MultipartReply", "MultipartRequest"]
