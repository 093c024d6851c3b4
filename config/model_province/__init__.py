"""The model province: Gansu with fictional hospitals and residents, made from a seed.

Everything here is a pure function of its arguments; the same seed gives the same bytes.
"""
