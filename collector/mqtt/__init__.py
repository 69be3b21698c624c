"""Vehicle positions received over MQTT."""
