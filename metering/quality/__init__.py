"""How good a figure is, and what makes it: completeness, doubts, and the way back to readings."""
