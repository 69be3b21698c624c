"""Vehicle terminals on MQTT, with a publisher's codec of their own."""
