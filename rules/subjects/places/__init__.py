"""Places: what hangs there is polled, and sensors of a room speak for all that is in it."""
