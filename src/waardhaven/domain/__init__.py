"""The pure domain: standard library and numpy only, no I/O, no clock, no hidden randomness."""
