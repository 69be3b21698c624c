"""How an attempt can fail."""

from __future__ import annotations


class NotSentError(Exception):
    """The receiver has not confirmed a message; it may have it all the same.

    The text says why, and may hold secrets until :func:`notify.send.deliver.deliver` took them out.
    """
