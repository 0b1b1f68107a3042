//! /oauth/device: a member types the code that a device shows, and lets it in or not (RFC 8628 §3.3).

use axum::http::StatusCode;
use axum::response::Response;
use hongyan_access::OauthError;

use crate::end_point::Posted;
use crate::form::Fields;
use crate::page::Form;
use crate::page_request::PageRequest;
use crate::text::Words;
use crate::visit::Visitor;

pub(crate) const PATH: &str = "/oauth/device";

async fn visitor<'v>(request: &'v PageRequest, fields: &Fields) -> Visitor<'v> {
    let mut carried = Fields::default();
    if let Some(code) = fields.value("user_code") {
        carried.push("user_code", code);
    }
    request.visitor(request.pages(fields).await, PATH, carried)
}

/// The page.
pub(crate) async fn show(request: PageRequest) -> Response {
    ask(&visitor(&request, &request.query()).await).await
}

async fn ask(visitor: &Visitor<'_>) -> Response {
    let session = match visitor.session().await {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    let language = visitor.language;
    let Some(code) = visitor.carried.value("user_code") else {
        return type_code(visitor, None);
    };
    let asked = match visitor.oauth.access.oauth_device_ask(visitor.decider(), code).await {
        Ok(asked) => asked,
        Err(error) => return failed(visitor, &error).await,
    };
    let form = Form::default()
        .text_button("switch", Words::OtherAccount)
        .button("deny", Words::Deny)
        .main_button("allow", Words::Allow);
    let title = format!("{} {}", asked.client.name, language.say(Words::WantsAccess));
    let who = format!("{} {}", language.say(Words::SignedInAs), session.account.address);
    let from = format!("{} {}", language.say(Words::DeviceFrom), asked.peer);
    visitor
        .page(title)
        .text(&who)
        .list(&language.scope(&asked.scope))
        .text(&from)
        .say(Words::DeviceWarning)
        .hint(Words::AllowHint)
        .form(PATH, &visitor.carried, &form)
        .answer(StatusCode::OK)
}

fn type_code(visitor: &Visitor<'_>, error: Option<&str>) -> Response {
    let form = Form::default()
        .input("user_code", Words::DeviceCode, "off")
        .main_button("type", Words::Continue);
    let status = if error.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    visitor
        .page(visitor.language.say(Words::Device))
        .error(error)
        .hint(Words::DeviceHint)
        .form(PATH, &Fields::default(), &form)
        .answer(status)
}

async fn failed(visitor: &Visitor<'_>, error: &OauthError) -> Response {
    match error {
        OauthError::Access(error) => visitor.refused(error).await,
        _ => type_code(visitor, Some(visitor.language.say(Words::DeviceUnknown))),
    }
}

/// A form of the page.
pub(crate) async fn decide(request: PageRequest, Posted(fields): Posted) -> Response {
    let visitor = visitor(&request, &fields).await;
    if let Some(answer) = visitor.step(&fields).await {
        return answer;
    }
    let is_allowed = match fields.value("step") {
        Some("allow") => true,
        Some("deny") => false,
        _ => return ask(&visitor).await,
    };
    let code = fields.value("user_code").unwrap_or_default();
    let access = &request.oauth.access;
    let decided = access.oauth_decide_device(visitor.decider(), code, is_allowed).await;
    match decided {
        Ok(()) => {
            let words = if is_allowed {
                Words::DeviceAllowed
            } else {
                Words::DeviceDenied
            };
            visitor
                .page(visitor.language.say(Words::Device))
                .say(words)
                .answer(StatusCode::OK)
        }
        Err(error) => failed(&visitor, &error).await,
    }
}
