"""Buses with several devices, and all that is polled: whether anything is heard of them."""
