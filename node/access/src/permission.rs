//! The one place that says who may do what: an actor, an action, an object (ADM-7 to ADM-9).
//!
//! Operators run the installation and stand apart from the administrators of organisations. Whoever asks for something
//! gets its answer here and nowhere else; what an actor may not even see is answered like what is not there. Called by the
//! admin API and everything else that acts for someone.

mod action;
mod actor;
mod object;
mod standing;

pub use action::{Action, Needs};
pub use actor::{Actor, Person, TokenScopes};
pub use object::Object;
pub use standing::Standing;

use hongyan_directory::{DepartmentId, Function, Role};

/// Why something may not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The actor must not learn whether it is there.
    #[error("it does not exist")]
    Hidden,
    /// The actor lacks what this names.
    #[error("you may not do this; ask {0}")]
    Needs(Needs),
    /// The actor's token is not made for it.
    #[error("the token's scopes do not include {0}")]
    Scope(&'static str),
}

/// How far an actor's right to an action reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Over the whole organisation.
    Organisation,
    /// Over these departments and all below them.
    Departments(Vec<DepartmentId>),
}

impl Reach {
    /// What a list is cut down to; nothing when all is seen.
    #[must_use]
    pub fn departments(self) -> Option<Vec<DepartmentId>> {
        match self {
            Self::Organisation => None,
            Self::Departments(departments) => Some(departments),
        }
    }
}

/// Whether `actor` may do `action` to `object`, and how far the right reaches.
///
/// # Errors
/// Why not.
pub fn permit(actor: &Actor, action: Action, object: &Object<'_>) -> Result<Reach, Refusal> {
    let reach = match actor {
        Actor::Operator { scopes, .. } => {
            check_scopes(scopes.as_ref(), action)?;
            return Ok(Reach::Organisation);
        }
        Actor::Person(person) => {
            if object.tenant.is_some_and(|tenant| tenant != person.tenant) {
                return Err(Refusal::Hidden);
            }
            let reach = permit_person(person, action, object)?;
            check_scopes(person.scopes.as_ref(), action)?;
            reach
        }
    };
    match &reach {
        Reach::Departments(within) if object.is_one && !object.places.iter().any(|place| within.contains(place)) => {
            Err(Refusal::Hidden)
        }
        _ => Ok(reach),
    }
}

fn check_scopes(scopes: Option<&TokenScopes>, action: Action) -> Result<(), Refusal> {
    match scopes {
        Some(scopes) if !scopes.include(action.scope()) => Err(Refusal::Scope(action.scope())),
        _ => Ok(()),
    }
}

fn permit_person(person: &Person, action: Action, object: &Object<'_>) -> Result<Reach, Refusal> {
    let needs = action.needs();
    let refused = Err(Refusal::Needs(needs));
    if action.is_own() && object.account == Some(person.account) {
        return Ok(Reach::Organisation);
    }
    if needs == Needs::Oneself {
        return refused;
    }
    // What nobody of an organisation may do, whatever the role.
    if object.tenant.is_none() || needs == Needs::Operator {
        return Err(Refusal::Needs(Needs::Operator));
    }
    match &person.role {
        None => refused,
        Some(Role::Creator) => Ok(Reach::Organisation),
        Some(Role::Super) => {
            let over_creator = object.role == Some(&Role::Creator) && action.takes_power();
            if needs == Needs::Creator || over_creator {
                return Err(Refusal::Needs(Needs::Creator));
            }
            Ok(Reach::Organisation)
        }
        Some(Role::Delegated { functions, departments }) => {
            let Needs::Function(function) = needs else {
                return refused;
            };
            if !functions.contains(&function) {
                return refused;
            }
            // Nobody raises their own rights by the account of someone who has more.
            if object.role.is_some() && (action.is_change() || action.takes_power()) {
                return Err(Refusal::Needs(Needs::Super));
            }
            Ok(match departments.as_slice() {
                [] => Reach::Organisation,
                departments => Reach::Departments(departments.to_vec()),
            })
        }
    }
}

/// The functions of the console that an actor sees.
#[must_use]
pub fn functions(actor: &Actor) -> Vec<Function> {
    match actor {
        Actor::Operator { .. } => Function::ALL.to_vec(),
        Actor::Person(person) => match &person.role {
            None => Vec::new(),
            Some(Role::Creator | Role::Super) => Function::ALL.to_vec(),
            Some(Role::Delegated { functions, .. }) => functions.clone(),
        },
    }
}

#[cfg(test)]
#[path = "permission_test.rs"]
mod tests;
