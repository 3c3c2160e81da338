"""Definitions as plain documents: read, written, merged, compared, and told in words."""
