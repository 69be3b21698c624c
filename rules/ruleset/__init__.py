"""Rule sets: files that people write, checked whole."""
