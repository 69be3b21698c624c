"""Devices: whether anything is heard of them while they hang somewhere."""
