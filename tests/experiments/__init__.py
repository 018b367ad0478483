"""Experiments at full length: run by hand, they print a table each."""
