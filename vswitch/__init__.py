"""The switch: OpenFlow sessions, configuration, operator API and command line."""

__version__ = "0.1.0"
