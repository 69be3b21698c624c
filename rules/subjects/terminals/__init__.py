"""Terminals of vehicles: whether their clocks are right."""
