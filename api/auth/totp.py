"""Six digits that change every 30 seconds (RFC 6238, SHA-1)."""

from __future__ import annotations

import hmac

import pyotp

STEP = 30
_DRIFT = 1
STEPS_AROUND = 2 * _DRIFT
"""How far apart two codes are at most that are good at the same moment."""


def new_secret() -> str:
    """A random secret, 32 characters of base32."""
    return pyotp.random_base32()


def link(secret: str) -> str:
    """What an authenticator app reads from a QR code."""
    return f"otpauth://totp/WGDashboard:Secret?secret={secret}&issuer=WGDashboard"


def matching_step(secret: str, code: object, now: float) -> int | None:
    """The time step whose code this is: the current one, or one to either side for clocks that differ.

    None when it is the code of none of them, or no text.
    """
    if not isinstance(code, str) or not (code.isascii() and code.isdigit()):
        return None
    codes = pyotp.TOTP(secret)
    current = int(now) // STEP
    matching = None
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        if hmac.compare_digest(codes.generate_otp(step), code):
            matching = step
    return matching
