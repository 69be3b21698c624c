"""The life of a report: handed in, signed by three, sent on, accepted or returned, revised."""
