"""JT/T 808: the TCP gateway that Beidou terminals connect to."""
