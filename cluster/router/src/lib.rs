//! ask(entity, request): the only way to an entity.
