"""arq behind the JobQueue port."""
