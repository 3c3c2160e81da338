"""What callers ask models: one shape for a direct call, for the parameters of a job, and for the document."""
