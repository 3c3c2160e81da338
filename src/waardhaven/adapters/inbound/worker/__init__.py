"""arq as a driving adapter: one generic runner for every job of the registry, and the chores."""
