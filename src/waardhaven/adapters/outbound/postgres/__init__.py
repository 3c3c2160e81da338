"""PostgreSQL: the truth. SQLAlchemy for the ledger, COPY for columns."""
