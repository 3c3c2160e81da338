"""Files that jobs leave, in a directory."""
