"""Doubts: what people make of episodes, from the question to its conclusion."""
