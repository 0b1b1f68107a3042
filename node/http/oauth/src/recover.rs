//! /oauth/recover: a forgotten password is set anew (AUTH-11). Reached from where somebody signs in. Says the same whether the account
//! is there or not; whoever has no way is told to ask their administrator.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hongyan_access::{AccessError, Guest, Recovery, RecoveryWay};
use hongyan_sasl::Secret;

use crate::Oauth;
use crate::end_point::Posted;
use crate::form::Fields;
use crate::page::{Form, Page};
use crate::text::{Language, Words};
use crate::visit::is_digits;

pub(crate) const PATH: &str = "/oauth/recover";

/// The page.
pub(crate) async fn show(State(oauth): State<Oauth>, headers: HeaderMap) -> Response {
    ask(&oauth, Language::of(&headers), None)
}

/// Whose password, and by what.
fn ask(oauth: &Oauth, language: Language, error: Option<&str>) -> Response {
    let mut form = Form::default()
        .input("login", Words::Address, "username")
        .main_button("mailbox", Words::CodeByMail);
    if oauth.access.has_text_gateway() {
        form = form.button("phone", Words::CodeByPhone);
    }
    let form = form.button("own", Words::CodeOfMyOwn);
    Page::new(language, language.say(Words::Recover))
        .error(error)
        .hint(Words::RecoverHint)
        .form(PATH, &Fields::default(), &form)
        .answer(status(error))
}

/// The code and the new password.
fn ask_code(language: Language, (login, way): (&str, &str), error: Option<&str>) -> Response {
    let mut carried = Fields::default();
    carried.push("login", login);
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
    Page::new(language, language.say(Words::Recover))
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
pub(crate) async fn decide(
    State(oauth): State<Oauth>,
    Extension(guest): Extension<Guest>,
    headers: HeaderMap,
    posted: Posted,
) -> Response {
    let (language, fields) = (Language::of(&headers), posted.0);
    let login = fields.value("login").unwrap_or_default().trim();
    let way = match fields.value("step") {
        Some("mailbox") => RecoveryWay::Mailbox,
        Some("phone") => RecoveryWay::Phone,
        Some("own") => return ask_code(language, (login, "own"), None),
        Some("set") => return set(&oauth, &guest, language, &fields).await,
        _ => return ask(&oauth, language, None),
    };
    match oauth.access.ask_recovery(login, way, guest.peer) {
        Ok(()) => ask_code(language, (login, way.label()), None),
        Err(error) => ask(&oauth, language, Some(&language.error(&error))),
    }
}

async fn set(oauth: &Oauth, guest: &Guest, language: Language, fields: &Fields) -> Response {
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
        Ok(()) => Page::new(language, language.say(Words::Recover))
            .say(Words::Recovered)
            .link_home()
            .answer(StatusCode::OK),
        Err(error) => {
            let text = match &error {
                AccessError::WrongCode => language.say(Words::WrongRecovery).to_owned(),
                error => language.error(error),
            };
            ask_code(language, (login, way), Some(&text))
        }
    }
}
