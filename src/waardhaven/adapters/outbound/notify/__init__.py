"""Handing messages to people: into files, or by SMTP."""
