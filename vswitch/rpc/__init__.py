"""The operator API: JSON-RPC 2.0, one document a line, over a unix stream socket."""
