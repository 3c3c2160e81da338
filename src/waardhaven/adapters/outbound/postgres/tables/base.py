"""Metadata with a naming convention, and the column kinds every table uses."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Double, ForeignKey, MetaData, func
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

instant = DateTime(timezone=True)
float8: Double[float] = Double()
__all__ = ["TIMESTAMP", "float8", "instant", "known_from", "known_to", "known_while", "metadata", "recorded"]


def known_from() -> Column[int]:
    """Return the first vintage at which a fact was known."""
    return Column("vintage_from", BigInteger, ForeignKey("vintage.id"), nullable=False)


def known_to() -> Column[int]:
    """Return the vintage at which a fact was superseded or withdrawn; null while it is current."""
    return Column("vintage_to", BigInteger, ForeignKey("vintage.id"), nullable=True)


def known_while() -> CheckConstraint:
    """Return the rule that a fact is superseded only after it became known."""
    return CheckConstraint("vintage_to IS NULL OR vintage_to > vintage_from", name="known_while")


def recorded(name: str = "created_at") -> Column[object]:
    """Return an instant set by the database."""
    return Column(name, instant, nullable=False, server_default=func.now())
