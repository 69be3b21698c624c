"""Optional: what terminals of JT/T 808 sent, published with MQTT for others to listen to."""
