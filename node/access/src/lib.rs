//! Sign-in: password hashes, SCRAM keys, limits and lockout.
