"""Beidou terminals on JT/T 808 (2011, 2013, 2019), with a codec of their own."""
