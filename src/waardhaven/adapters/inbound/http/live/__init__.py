"""What happens, told as it happens: one reader a process, many subscribers."""
