"""Services started from wheels or from what is installed: PostgreSQL and a broker."""
