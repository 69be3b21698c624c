"""Fences: shapes on the ground, and when a vehicle was inside of them."""
