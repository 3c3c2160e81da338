"""Handlers: each says what it needs, asks a use case, and returns."""
