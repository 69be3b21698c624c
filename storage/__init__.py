"""Schema, migrations, capability probe, bulk writer, dirty log: all that touches PostgreSQL."""
