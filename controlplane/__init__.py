"""MANY SWITCHES: what the network should be, told to switches in OpenFlow.

`runner` starts os-ken and Ryu apps (the command `vswitch-controller`); `apps/` holds ours.
"""
