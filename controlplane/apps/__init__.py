"""Thin adapters between os-ken and the pure modules beside this folder, one app a file."""
