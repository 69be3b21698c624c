"""Meters, air conditioners, lights and vehicles that do not exist, and the truth about them."""
