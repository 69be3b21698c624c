"""Institutions as those who are asked: how many of their doubts wait for an answer."""
