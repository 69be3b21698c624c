"""Norms: what a vehicle uses in some months, against its own past, its class and the fleet."""
