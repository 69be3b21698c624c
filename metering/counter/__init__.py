"""From the readings of one counter to quarter hours. Pure: no database, no clock."""
