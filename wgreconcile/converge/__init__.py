"""Carries a plan out: steps, journal, verification, the way back."""
