"""What Alembic runs for every service: its schema on the connection that it was given."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes

context.configure(
    connection=attributes.get("connection"),
    dialect_name="postgresql",
    version_table_schema=attributes["schema"],
    literal_binds=context.is_offline_mode(),
    transactional_ddl=True,
)
if context.is_offline_mode():
    with context.begin_transaction():
        for statement in attributes["before"]:
            context.execute(statement)
        context.run_migrations()
        for statement in attributes["after"]:
            context.execute(statement)
else:
    with context.begin_transaction():
        context.run_migrations()
