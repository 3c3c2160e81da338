"""One file per collaborator, Protocols only."""
