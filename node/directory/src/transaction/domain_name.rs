//! Which names can be mail domains.

use hongyan_types::Domain;
use psl::{Psl, Type};

use crate::{DirectoryOptions, Error, Result};

/// Refuses what nobody has for themselves: an address, the end of others' names (the Public Suffix List's registries).
pub(super) fn check(name: &Domain) -> Result<()> {
    if name.is_literal() {
        return Err(Error::Invalid("an address literal cannot be a mail domain".to_owned()));
    }
    let text = name.as_str().as_bytes();
    let suffix = psl::List.find(text.rsplit(|octet| *octet == b'.'));
    if suffix.typ == Some(Type::Icann) && suffix.len == text.len() {
        let words = format!("{} is a public suffix: others have names below it", name.to_unicode());
        return Err(Error::Invalid(words));
    }
    Ok(())
}

/// As [`check`], for a name that someone says is theirs.
pub(super) fn check_claimed(name: &Domain, options: &DirectoryOptions) -> Result<()> {
    check(name)?;
    if !name.as_str().contains('.') {
        return Err(Error::Invalid(format!("{name} is not a domain of the Internet")));
    }
    if options.own_hosts.contains(name) {
        return Err(Error::Invalid(format!("{name} is the name of this server")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dom_2_public_suffixes_addresses_and_own_hosts_are_refused() {
        let options = DirectoryOptions {
            own_hosts: vec![Domain::try_from("mx.host.test").unwrap()],
            ..DirectoryOptions::default()
        };
        let check = |name: &str, expect: &str| {
            let domain = Domain::try_from(name).unwrap();
            let said = check_claimed(&domain, &options).map_err(|error| error.to_string());
            match expect {
                "" => assert_eq!(said, Ok(()), "{name}"),
                expect => assert!(
                    said.as_ref().is_err_and(|said| said.contains(expect)),
                    "{name}: {said:?}"
                ),
            }
        };
        check("acme.example", "");
        check("acme.com.cn", "");
        check("com.cn", "public suffix");
        check("co.uk", "public suffix");
        check("com", "public suffix");
        check("公司.cn", "公司.cn is a public suffix");
        check("xn--55qx5d.cn", "public suffix");
        check("鸿雁.公司.cn", "");
        check("github.io", "");
        check("[192.0.2.1]", "address literal");
        check("intranet", "not a domain of the Internet");
        check("mx.host.test", "name of this server");
    }
}
