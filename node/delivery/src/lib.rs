//! Recipients and groups expanded, one Deliver each; delivery reports.
