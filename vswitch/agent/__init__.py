"""OpenFlow sessions of a bridge: decided purely in `agent`, carried by sockets in `exchange`."""
