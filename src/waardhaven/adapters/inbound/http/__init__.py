"""The HTTP API: ``create_app`` in ``app.py``."""
