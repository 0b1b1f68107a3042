//! /oauth/recover: a forgotten password is set anew (AUTH-11). Reached from where somebody signs in. Says the same whether the account
//! is there or not; whoever has no way is told to ask their administrator.

use axum::http::StatusCode;
use axum::response::Response;
use hongyan_access::{AccessError, Guest, Recovery, RecoveryWay};
use hongyan_sasl::Secret;

use crate::Oauth;
use crate::end_point::Posted;
use crate::form::Fields;
use crate::look::{DOMAIN_HINT, Pages};
use crate::page::Form;
use crate::page_request::PageRequest;
use crate::text::Words;
use crate::visit::is_digits;

pub(crate) const PATH: &str = "/oauth/recover";

/// What leads to the look of the page, and is in its forms.
const CARRIED: [&str; 2] = ["login_hint", DOMAIN_HINT];

/// The way here for whoever is on another page with these fields.
pub(crate) fn from(fields: &Fields) -> String {
    match carried(fields).write() {
        hints if hints.is_empty() => PATH.to_owned(),
        hints => format!("{PATH}?{hints}"),
    }
}

fn carried(fields: &Fields) -> Fields {
    let mut carried = Fields::default();
    for name in CARRIED {
        let typed = fields.value("login").filter(|_| name == "login_hint");
        if let Some(value) = typed.or_else(|| fields.value(name)) {
            carried.push(name, value);
        }
    }
    carried
}

/// The page.
pub(crate) async fn show(request: PageRequest) -> Response {
    let fields = request.query();
    let pages = request.pages(&fields).await;
    ask(&request.oauth, &pages, &fields, None)
}

/// Whose password, and by what.
fn ask(oauth: &Oauth, pages: &Pages, fields: &Fields, error: Option<&str>) -> Response {
    let carried = carried(fields);
    let mut form = Form::default()
        .filled_input("login", Words::Address, "username", carried.value("login_hint"))
        .main_button("mailbox", Words::CodeByMail);
    if oauth.access.has_text_gateway() {
        form = form.button("phone", Words::CodeByPhone);
    }
    let form = form.button("own", Words::CodeOfMyOwn);
    pages
        .page(Words::Recover)
        .error(error)
        .hint(Words::RecoverHint)
        .form(PATH, &carried, &form)
        .answer(status(error))
}

/// The code and the new password.
fn ask_code(pages: &Pages, fields: &Fields, way: &str, error: Option<&str>) -> Response {
    let mut carried = carried(fields);
    carried.push("login", fields.value("login").unwrap_or_default().trim());
    carried.push("way", way);
    let hint = match way {
        "own" => Words::CodeHint,
        _ => Words::CodeWasSent,
    };
    let form = Form::default()
        .input("code", Words::Code, "one-time-code")
        .input("password", Words::NewPassword, "new-password")
        .text_button("again", Words::OtherWay)
        .main_button("set", Words::Continue);
    pages
        .page(Words::Recover)
        .error(error)
        .hint(hint)
        .hint(Words::AskAdministrator)
        .form(PATH, &carried, &form)
        .answer(status(error))
}

fn status(error: Option<&str>) -> StatusCode {
    match error {
        Some(_) => StatusCode::FORBIDDEN,
        None => StatusCode::OK,
    }
}

/// A form of the page.
pub(crate) async fn decide(request: PageRequest, Posted(fields): Posted) -> Response {
    let (oauth, guest) = (&request.oauth, &request.guest);
    let pages = request.pages(&fields).await;
    let login = fields.value("login").unwrap_or_default().trim();
    let way = match fields.value("step") {
        Some("mailbox") => RecoveryWay::Mailbox,
        Some("phone") => RecoveryWay::Phone,
        Some("own") => return ask_code(&pages, &fields, "own", None),
        Some("set") => return set(oauth, guest, &pages, &fields).await,
        _ => return ask(oauth, &pages, &fields, None),
    };
    match oauth.access.ask_recovery(login, way, guest.peer) {
        Ok(()) => ask_code(&pages, &fields, way.label(), None),
        Err(error) => ask(oauth, &pages, &fields, Some(&pages.language.error(&error))),
    }
}

async fn set(oauth: &Oauth, guest: &Guest, pages: &Pages, fields: &Fields) -> Response {
    let value = |name| fields.value(name).unwrap_or_default();
    let (login, way, code) = (value("login"), value("way"), value("code").trim());
    let password = Secret::new(value("password"));
    let by = match way {
        "mailbox" => RecoveryWay::Mailbox,
        "phone" => RecoveryWay::Phone,
        _ if is_digits(code) => RecoveryWay::Totp,
        _ => RecoveryWay::RecoveryCode,
    };
    let asked = Recovery {
        login,
        way: by,
        code,
        password: &password,
    };
    match oauth.access.recover_password(asked, guest.peer, &guest.client).await {
        Ok(()) => pages
            .page(Words::Recover)
            .say(Words::Recovered)
            .link_home()
            .answer(StatusCode::OK),
        Err(error) => {
            let text = match &error {
                AccessError::WrongCode => pages.language.say(Words::WrongRecovery).to_owned(),
                error => pages.language.error(error),
            };
            ask_code(pages, fields, way, Some(&text))
        }
    }
}
