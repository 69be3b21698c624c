"""Meters, air conditioners and lighting circuits polled over Modbus/TCP."""
