"""Answering a report from the public (举报核查): a plate, a place, a time."""
