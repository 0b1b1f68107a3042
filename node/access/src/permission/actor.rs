//! Who wants to do something.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hongyan_audit::{Author, AuthorKind};
use hongyan_directory::{AccountRecord, Role};
use hongyan_types::{AccountId, TenantId};

/// What a token may be used for, within what its owner may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenScopes {
    /// The token, for the audit log.
    pub token: u64,
    /// Scopes such as `members:read`; `members:write` includes reading.
    pub scopes: BTreeSet<String>,
}

impl TokenScopes {
    /// Whether they are good for what needs `scope`.
    #[must_use]
    pub fn include(&self, scope: &str) -> bool {
        let write = scope.strip_suffix(":read").map(|what| format!("{what}:write"));
        self.scopes.contains(scope) || write.is_some_and(|write| self.scopes.contains(&write))
    }
}

/// A member of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Whose member.
    pub tenant: TenantId,
    /// The account.
    pub account: AccountId,
    /// Its address.
    pub address: String,
    /// What it may do for its organisation.
    pub role: Option<Role>,
    /// Where they come from.
    pub from: Option<IpAddr>,
    /// What the token that they use is for; `None` for a session of their own.
    pub scopes: Option<TokenScopes>,
}

/// Who wants to do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Who runs the installation: through the node's own socket, or with an operator's token.
    Operator {
        /// Where from: an address, or `socket`.
        from: String,
        /// What the token that they use is for; `None` for the socket.
        scopes: Option<TokenScopes>,
    },
    /// A member.
    Person(Person),
}

impl Actor {
    /// Whoever may open the node's own socket.
    #[must_use]
    pub fn socket() -> Self {
        Self::Operator {
            from: "socket".to_owned(),
            scopes: None,
        }
    }
    /// A member, as its account is now.
    #[must_use]
    pub fn member(account: &AccountRecord, from: Option<IpAddr>, scopes: Option<TokenScopes>) -> Self {
        Self::Person(Person {
            tenant: account.tenant,
            account: account.id,
            address: account.address.to_string(),
            role: account.role.clone(),
            from,
            scopes,
        })
    }
    /// The tenant it is confined to; operators are not.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Operator { .. } => None,
            Self::Person(person) => Some(person.tenant),
        }
    }
    /// The same actor where its token is good for these scopes too, because another that it has includes them there.
    #[must_use]
    pub fn widened(&self, scopes: &[&str]) -> Self {
        let mut actor = self.clone();
        let own = match &mut actor {
            Self::Operator { scopes, .. } => scopes.as_mut(),
            Self::Person(person) => person.scopes.as_mut(),
        };
        if let Some(own) = own {
            own.scopes.extend(scopes.iter().map(|scope| (*scope).to_owned()));
        }
        actor
    }
    /// How the audit log names it.
    #[must_use]
    pub fn author(&self) -> Author {
        match self {
            Self::Operator { from, scopes } => Author {
                kind: AuthorKind::Operator,
                id: scopes.as_ref().map(|scopes| scopes.token),
                name: "operator".to_owned(),
                from: from.clone(),
            },
            Self::Person(person) => Author {
                kind: match person.scopes {
                    Some(_) => AuthorKind::Token,
                    None => AuthorKind::Member,
                },
                id: Some(person.scopes.as_ref().map_or(person.account.0, |scopes| scopes.token)),
                name: person.address.clone(),
                from: person.from.map(|from| from.to_string()).unwrap_or_default(),
            },
        }
    }
}
