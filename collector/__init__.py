"""From the wire to the database: sources, device profiles, the spool and its drain."""
