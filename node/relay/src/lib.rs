//! Outbound delivery: MX, connection reuse, TLS, the SMTP client.
