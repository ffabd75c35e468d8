"""Sweeps: what is stored of them, and when it is out of date."""
