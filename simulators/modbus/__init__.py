"""Modbus TCP devices that misbehave on request, with a codec of their own."""
