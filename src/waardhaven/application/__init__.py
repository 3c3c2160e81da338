"""Use cases that speak to ports; no library, no I/O of their own."""
