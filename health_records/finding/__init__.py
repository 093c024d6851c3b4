"""Searching records, whatever the format that asks."""
