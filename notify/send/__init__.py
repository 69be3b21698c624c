"""Speaking to receivers: one module for each way."""
