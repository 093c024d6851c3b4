"""Searching records in the words of FHIR R4."""
