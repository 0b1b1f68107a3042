//! Accept, TLS, connection limits: sockets become session actors.
