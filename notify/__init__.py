"""Notes that leave the house: outbox, routes, grouping, quiet hours, retry."""
