"""The whole database in a file, with what proves that it came back as it was."""
