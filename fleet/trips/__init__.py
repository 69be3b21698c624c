"""Trips, stops and the shares of days, from judged fixes: pure."""
