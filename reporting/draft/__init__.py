"""What an institution reports of a period, compiled: pure, but for what it is read from."""
