//! Entities and actors over actix: intakes, activation, passivation, restart.
