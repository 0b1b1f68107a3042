//! /oauth/sign-in: signs in for the web client, and leads there. What forms on other sites lead to (LGN-5): the address comes with
//! the request, `login_hint` or `local` and `domain`, and is filled in; a password never does.

use axum::response::Response;

use crate::end_point::Posted;
use crate::form::Fields;
use crate::look::DOMAIN_HINT;
use crate::page::see_other;
use crate::page_request::PageRequest;
use crate::visit::Visitor;

pub(crate) const PATH: &str = "/oauth/sign-in";
/// Where somebody who is signed in goes.
const WEB_CLIENT: &str = "/";

/// The address that a form of another site says, in one field or in two.
fn carried(fields: &Fields) -> Fields {
    let mut carried = Fields::default();
    let domain = fields.value("domain").or(fields.value(DOMAIN_HINT));
    let login = match (fields.value("local").map(str::trim), domain) {
        (Some(local), Some(domain)) if !local.contains('@') => Some(format!("{local}@{domain}")),
        (Some(local), _) => Some(local.to_owned()),
        (None, _) => fields.value("login_hint").map(str::to_owned),
    };
    if let Some(login) = login {
        carried.push("login_hint", login);
    }
    if let Some(domain) = domain {
        carried.push(DOMAIN_HINT, domain);
    }
    carried
}

async fn visitor<'v>(request: &'v PageRequest, fields: &Fields) -> Visitor<'v> {
    let carried = carried(fields);
    request.visitor(request.pages(&carried).await, PATH, carried)
}

async fn ask(visitor: &Visitor<'_>) -> Response {
    match visitor.session().await {
        Ok(_) => see_other(WEB_CLIENT, &[]),
        Err(answer) => answer,
    }
}

/// The page.
pub(crate) async fn show(request: PageRequest) -> Response {
    ask(&visitor(&request, &request.query()).await).await
}

/// A form of the page.
pub(crate) async fn decide(request: PageRequest, Posted(fields): Posted) -> Response {
    let visitor = visitor(&request, &fields).await;
    match visitor.step(&fields).await {
        Some(answer) => answer,
        None => ask(&visitor).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lgn_5_the_address_comes_in_one_field_or_in_two() {
        let check = |query: &str, expect: Option<&str>| {
            let carried = carried(&Fields::read(query).unwrap());
            assert_eq!(carried.value("login_hint"), expect, "{query}");
        };
        check("local=anna&domain=a.test", Some("anna@a.test"));
        check("local=anna%40b.test&domain=a.test", Some("anna@b.test"));
        check("local=anna", Some("anna"));
        check("login_hint=x%40y", Some("x@y"));
        check("domain=a.test&password=secret", None);
        check("", None);
    }
}
