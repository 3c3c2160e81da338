"""Stateful stand-ins for the ports."""
