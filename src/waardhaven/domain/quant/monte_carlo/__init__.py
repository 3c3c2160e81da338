"""Monte Carlo: prices of derivatives, futures of portfolios; in chunks that any worker can compute.

``pricing`` and ``portfolio_run`` each have ``plan`` (what is computed once), ``run_chunk`` (a pure function
of the plan and the number of the chunk) and ``merge``. The same seed gives the same answer bit for bit,
whoever computed which chunk in which order. docs/methodology/monte-carlo.md has the definitions.
"""
