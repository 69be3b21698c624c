"""A quarter of a city's institutions: what really happened, and what sensors told of it."""
