"""Arithmetic in processes or threads of its own."""
