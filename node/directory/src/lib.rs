//! Tenants, domains, accounts, aliases and groups, and where mail for an address goes.
