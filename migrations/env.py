"""Runs revisions on the connection that ``waardhaven migrate`` hands over."""

from alembic import context

from waardhaven.adapters.outbound.postgres.tables import metadata


def run() -> None:
    """Run inside the caller's transaction: all revisions happen, or none."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
