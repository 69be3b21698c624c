"""Doubts: what rules find in what was measured, and what people make of it."""
