"""Episodes: derived from what was measured, and computed again whenever that changes."""
