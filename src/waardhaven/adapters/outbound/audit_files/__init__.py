"""Heads of the audit chain in a file beside the database, not in it."""
