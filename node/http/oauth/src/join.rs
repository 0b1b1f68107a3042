//! /join/{invitation}: the page behind an invitation's link (MEM-5). Whoever opens it says who they are, which address they want
//! and a password, and has a mailbox, or waits for an administrator.
//!
//! What joins is in `node/access`; here are a form, what is wrong with it beside the field, and what became of it. It works
//! without its script, which only ticks off the password's rules while one types.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use hongyan_access::{AccessError, JoinEnd, JoinError, JoinOffer, JoinWish, PasswordRule};
use hongyan_directory::{Error, Joined};
use hongyan_sasl::Secret;

use crate::Oauth;
use crate::end_point::Posted;
use crate::form::Fields;
use crate::join_form::{Field, JoinForm, Note};
use crate::join_text::JoinWords as Words;
use crate::look::Pages;
use crate::page_request::PageRequest;
use crate::text::Language;

pub(crate) const PATH: &str = "/join/{invitation}";

/// What was wrong with what was typed.
#[derive(Default)]
struct Wrong {
    /// Above the form.
    all: Option<String>,
    /// Under a field.
    field: Option<(Field, String)>,
    /// Rules that the password breaks.
    rules: Vec<PasswordRule>,
}

impl Wrong {
    fn at(field: Field, words: impl Into<String>) -> Self {
        Self {
            field: Some((field, words.into())),
            ..Self::default()
        }
    }
    fn everywhere(words: impl Into<String>) -> Self {
        Self {
            all: Some(words.into()),
            ..Self::default()
        }
    }
}

/// The page.
pub(crate) async fn show(request: PageRequest, Path(text): Path<String>) -> Response {
    match request.oauth.access.join_offer(&text).await {
        Ok(offer) => {
            let pages = pages_of(&request, &offer).await;
            ask(&request.oauth, &pages, &offer, &Fields::default(), None)
        }
        Err(error) => refused(&of_host(&request).await, &error),
    }
}

/// What was typed.
pub(crate) async fn join(request: PageRequest, Path(text): Path<String>, Posted(fields): Posted) -> Response {
    let oauth = &request.oauth;
    let offer = match oauth.access.join_offer(&text).await {
        Ok(offer) => offer,
        Err(error) => return refused(&of_host(&request).await, &error),
    };
    let pages = pages_of(&request, &offer).await;
    let wish = wish(&offer, &fields);
    if let Some(wrong) = look(oauth, pages.language, &offer, &wish) {
        return ask(oauth, &pages, &offer, &fields, Some(wrong));
    }
    match oauth.access.join_by_invitation(&offer, &wish).await {
        Ok(Joined::Member(account)) => joined(&pages, &account.address.to_string()),
        Ok(Joined::Waits(application)) => {
            let answered = !application.private_address.is_empty();
            waits(&pages, &offer, &application.address.to_string(), answered)
        }
        Err(error) => match wrong(pages.language, &error) {
            Some(wrong) => ask(oauth, &pages, &offer, &fields, Some(wrong)),
            None => refused(&pages, &error),
        },
    }
}

/// An invitation is its organisation's, whatever host its link names.
async fn pages_of(request: &PageRequest, offer: &JoinOffer) -> Pages {
    Pages::of_domain(&request.oauth, &request.headers, &offer.invitation.domain).await
}

/// Whose invitation lets nobody in is not said; the host may be an organisation's.
async fn of_host(request: &PageRequest) -> Pages {
    request.pages(&Fields::default()).await
}

fn wish(offer: &JoinOffer, fields: &Fields) -> JoinWish {
    let value = |field: Field| fields.value(field.name()).unwrap_or_default().trim().to_owned();
    JoinWish {
        address: offer.account.is_none().then(|| value(Field::Address)),
        display_name: value(Field::Name),
        mobile: value(Field::Mobile),
        private_address: value(Field::PrivateAddress),
        password: Secret::new(fields.value(Field::Password.name()).unwrap_or_default()),
    }
}

/// What is wrong with it before anything is tried.
fn look(oauth: &Oauth, language: Language, offer: &JoinOffer, wish: &JoinWish) -> Option<Wrong> {
    if wish.display_name.is_empty() && offer.account.is_none() {
        return Some(Wrong::at(Field::Name, Words::NameMissing.say(language)));
    }
    if let Err(error) = offer.address(wish.address.as_deref()) {
        return wrong(language, &error);
    }
    let rules = oauth.access.join_password_broken(offer, wish);
    (!rules.is_empty()).then(|| Wrong {
        rules,
        ..Wrong::at(Field::Password, Words::PasswordRefused.say(language))
    })
}

/// What can be mended on the form; none when the invitation itself is over.
fn wrong(language: Language, error: &JoinError) -> Option<Wrong> {
    let directory = match error {
        JoinError::Ended(_) => return None,
        JoinError::Address(_) => return Some(Wrong::at(Field::Address, Words::AddressWrong.say(language))),
        JoinError::Access(AccessError::BadPassword(text)) => return Some(Wrong::at(Field::Password, text.clone())),
        JoinError::Access(AccessError::Directory(error)) => error,
        JoinError::Access(_) => return Some(Wrong::everywhere(Words::Busy.say(language))),
    };
    Some(match directory {
        // The phone and the address outside are looked at, too; what is taken is the address.
        Error::Exists { what: "mobile", .. } => Wrong::at(Field::Mobile, Words::MobileTaken.say(language)),
        Error::Exists { .. } => Wrong::at(Field::Address, Words::AddressTaken.say(language)),
        Error::Limit { .. } | Error::LimitAt { .. } => Wrong::everywhere(Words::NoRoom.say(language)),
        Error::Invalid(text) | Error::Refused(text) => Wrong::everywhere(text.clone()),
        _ => Wrong::everywhere(Words::Busy.say(language)),
    })
}

fn ask(oauth: &Oauth, pages: &Pages, offer: &JoinOffer, typed: &Fields, wrong: Option<Wrong>) -> Response {
    let language = pages.language;
    let status = match &wrong {
        // A page that asks is an answer like others; one that refuses says so to programs, too.
        Some(Wrong {
            field: Some((Field::Address, _)),
            ..
        }) => StatusCode::CONFLICT,
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    let wrong = wrong.unwrap_or_default();
    let given = offer.account.as_deref();
    let form = JoinForm {
        domain: offer.invitation.domain.to_unicode(),
        given: given.map(|account| account.address.to_string()),
        name: given.map(|account| account.display_name.clone()).unwrap_or_default(),
        typed,
        wrong: wrong.field,
        rules: oauth.access.password_rules(),
        broken: wrong.rules,
        review: offer.invitation.review,
    };
    let title = match given {
        Some(_) => Words::TitleReady.say(language).to_owned(),
        None => Words::TitleJoin.say(language).replace("{}", &offer.organisation),
    };
    let lead = match given {
        Some(_) => Words::LeadReady.say(language).replace("{}", &offer.organisation),
        None => Words::LeadJoin.say(language).to_owned(),
    };
    let page = pages.titled(title).text(&lead).error(wrong.all.as_deref());
    form.write(page, language).answer(status)
}

fn joined(pages: &Pages, address: &str) -> Response {
    let language = pages.language;
    pages
        .titled(Words::TitleJoined.say(language))
        .note(Note::Good, &Words::Joined.say(language).replace("{}", address))
        .text(Words::JoinedHint.say(language))
        .button_home(Words::SignIn.say(language))
        .answer(StatusCode::CREATED)
}

fn waits(pages: &Pages, offer: &JoinOffer, address: &str, answered: bool) -> Response {
    let language = pages.language;
    let hint = match answered {
        true => Words::AnswerByMail,
        false => Words::AnswerByHand,
    };
    let lead = Words::Waits.say(language).replace("{}", &offer.organisation);
    pages
        .titled(Words::TitleWaits.say(language))
        .note(Note::Waits, &lead.replace("{address}", address))
        .text(hint.say(language))
        .answer(StatusCode::ACCEPTED)
}

/// The invitation lets nobody in, and why.
fn refused(pages: &Pages, error: &JoinError) -> Response {
    let language = pages.language;
    let (status, words) = match error {
        JoinError::Ended(JoinEnd::Unknown) => (StatusCode::NOT_FOUND, Words::EndedUnknown),
        JoinError::Ended(JoinEnd::Over) => (StatusCode::GONE, Words::EndedOver),
        JoinError::Ended(JoinEnd::UsedUp) => (StatusCode::GONE, Words::EndedUsedUp),
        JoinError::Ended(JoinEnd::Closed) => (StatusCode::GONE, Words::EndedClosed),
        JoinError::Address(_) | JoinError::Access(_) => {
            tracing::warn!(error = %error, "an invitation could not be looked at");
            (StatusCode::SERVICE_UNAVAILABLE, Words::Busy)
        }
    };
    pages
        .titled(Words::TitleEnded.say(language))
        .note(Note::Bad, words.say(language))
        .text(Words::EndedHint.say(language))
        .button_home(Words::SignIn.say(language))
        .answer(status)
}
