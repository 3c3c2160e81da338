"""The command line as a driving adapter: the same use cases HTTP calls."""
