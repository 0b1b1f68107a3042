//! The groups of departments: made with an address from the department's name (GRP-5).

use hongyan_kv::Transaction;
use hongyan_types::{Address, Domain, LocalPart, TenantId};

use crate::index::pinyin;
use crate::{DepartmentId, Directory, Error, Result, key};

/// How many numbers behind a name are tried until one is free.
const NUMBERS_MAX: u32 = 1_000;
/// Most characters of an address that is made up.
const CHARACTERS_MAX: usize = 40;

impl Directory {
    /// An address that nobody has, for the group of a department: its name as it is said, at `domain`.
    ///
    /// # Errors
    /// `NotFound`, `Limit` when all are taken; the store's.
    pub async fn department_address(&self, tenant: TenantId, id: DepartmentId, domain: &Domain) -> Result<Address> {
        let department = self.department(tenant, id).await?;
        self.free_address(tenant, &department.name, &format!("department-{id}"), domain)
            .await
    }

    /// An address that nobody has: `name` as it is said, at `domain`; `otherwise`, where it has no sound.
    ///
    /// # Errors
    /// `NotFound` for the domain, `Exists` when all are taken; the store's.
    pub async fn free_address(
        &self,
        tenant: TenantId,
        name: &str,
        otherwise: &str,
        domain: &Domain,
    ) -> Result<Address> {
        if self.domain(domain).await?.tenant != tenant {
            return Err(Error::not_found("domain", domain));
        }
        let local = spelled(name).unwrap_or_else(|| otherwise.to_owned());
        let domain = domain.clone();
        self.read(async move |transaction: &mut Transaction| {
            for number in 1..=NUMBERS_MAX {
                let text = match number {
                    1 => local.clone(),
                    number => format!("{local}{number}"),
                };
                let free = LocalPart::try_from(text.as_str()).map_err(|error| Error::Invalid(error.to_string()))?;
                let address = Address::new(free, domain.clone());
                if transaction.get_snapshot(&key::address(&address)).await?.is_none() {
                    return Ok(address);
                }
            }
            Err(Error::exists("address", &local))
        })
        .await
    }
}

/// A name in the letters of an address: Chinese as it is said, words joined by dots.
fn spelled(name: &str) -> Option<String> {
    let folded = name.to_lowercase();
    let spoken = pinyin::readings(&folded).into_iter().next();
    let text = spoken.map_or(folded, |reading| reading.full);
    let mut local = String::new();
    for character in text.chars().take(CHARACTERS_MAX) {
        match character {
            'a'..='z' | '0'..='9' => local.push(character),
            _ if local.ends_with('.') || local.is_empty() => {}
            _ => local.push('.'),
        }
    }
    let local = local.trim_end_matches('.');
    local
        .contains(|c: char| c.is_ascii_alphanumeric())
        .then(|| local.to_owned())
}

#[cfg(test)]
#[path = "group_test.rs"]
mod tests;
