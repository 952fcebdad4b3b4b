"""Endpoints: light containers that are born on a switch port.  See README.md."""
