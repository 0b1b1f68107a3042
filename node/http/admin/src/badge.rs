//! /api/members/{address}/badge: a picture that leads to a mail to a member, to put on other pages (SET-7).

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_directory::{AccountRecord, Language};
use hongyan_profile::{BADGE_PIXELS, Badge, BadgeLook, Profiles};
use hongyan_types::Address;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::export::encoded;
use crate::problem::{Failure, Problem, Result};
use crate::sign_in_page::escape;

/// A badge, with the code to copy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Badge)]
pub(crate) struct View {
    language: Language,
    /// Whether it says the member's name, as colleagues see it.
    shows_name: bool,
    /// The picture, SVG; for whoever has this address.
    image: String,
    /// Where it leads.
    link: String,
    /// Both as HTML.
    html: String,
}

/// RFC 6068 §2: what stands before the `@` is encoded as far as it could be taken for something else.
fn mailto(address: &Address) -> String {
    format!("mailto:{}@{}", encoded(&address.local.to_string()), address.domain)
}

fn html(image: &str, link: &str, text: &str) -> String {
    let [image, link, text] = [image, link, text].map(escape);
    format!("<a href=\"{link}\"><img src=\"{image}\" alt=\"{text}\" height=\"{BADGE_PIXELS}\"></a>\n")
}

fn view(caller: &Caller, account: &AccountRecord, badge: &Badge) -> Result<Json<View>> {
    let origin = caller.web_origin();
    let origin = origin.ok_or_else(|| Problem::unavailable("this node offers no web to the world".to_owned()))?;
    let image = format!("{origin}/badge/{}", badge.name);
    let link = mailto(&account.address);
    Ok(Json(View {
        language: badge.look.language,
        shows_name: badge.look.shows_name,
        html: html(&image, &link, &badge.text),
        image,
        link,
    }))
}

/// The badge of a member; `me` is the caller. There is none before it is switched on.
#[utoipa::path(get, path = "/api/members/{address}/badge", params(("address" = String, Path)), responses((status = 200, body = View), Failure))]
pub(crate) async fn show(caller: Caller, Path(address): Path<String>) -> Result<Json<View>> {
    let account = caller.member_or_me(Action::ReadPreferences, &address).await?;
    let badge = Profiles::new(&caller.directory).badge(&account).await?;
    view(&caller, &account, &badge)
}

/// Switches a badge on, or says how it looks. Everyone does so for themselves.
#[utoipa::path(put, path = "/api/members/{address}/badge", params(("address" = String, Path)), request_body = BadgeLook, responses((status = 200, body = View), Failure))]
pub(crate) async fn set(
    caller: Caller,
    Path(address): Path<String>,
    Body(look): Body<BadgeLook>,
) -> Result<Json<View>> {
    let account = caller.member_or_me(Action::ChangePreferences, &address).await?;
    let badge = Profiles::new(&caller.directory).set_badge(&account, look).await?;
    view(&caller, &account, &badge)
}

/// Switches a badge off: pages that have it show nothing within an hour. Switched on again it has another address.
#[utoipa::path(delete, path = "/api/members/{address}/badge", params(("address" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path(address): Path<String>) -> Result<StatusCode> {
    let account = caller.member_or_me(Action::ChangePreferences, &address).await?;
    Profiles::new(&caller.directory).remove_badge(&account).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_7_the_code_leads_to_the_address_and_nowhere_else() {
        let check = |address: &str, expect: &str| {
            let address = Address::try_from(address).unwrap();
            assert_eq!(mailto(&address), expect);
        };
        check("anna.li@a.test", "mailto:anna.li@a.test");
        check("a+b&c?d@a.test", "mailto:a%2Bb%26c%3Fd@a.test");
        check("王@例子.test", "mailto:%E7%8E%8B@xn--fsqu00a.test");
        let html = html("https://h.test/badge/1", "mailto:a@a.test", "Mail \"A\" <b>");
        assert_eq!(
            html,
            "<a href=\"mailto:a@a.test\"><img src=\"https://h.test/badge/1\" alt=\"Mail &quot;A&quot; &lt;b&gt;\" height=\"32\"></a>\n"
        );
    }
}
