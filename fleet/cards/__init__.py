"""Drivers' cards as terminals told of them."""
