"""What was true when: values laid over each other, conditions on them, and how long they stood."""
