"""The fixes of one vehicle, ordered and judged: pure."""
