//! Whoever looks at a page, and the way to being signed in that all pages share.

use axum::http::StatusCode;
use axum::response::Response;
use hongyan_access::{
    AccessError, Begun, DEVICE_COOKIE, Decider, Guest, SESSION_COOKIE, SecondProof, Stage, Visit, WebProof, WebSession,
    cookie,
};
use hongyan_openid::{OpenIdError, Wish};
use hongyan_sasl::Secret;
use serde_json::Value;

use crate::Oauth;
use crate::form::Fields;
use crate::page::{Form, Page, see_other};
use crate::single_sign_on;
use crate::text::{Language, Words};

/// One look at a page.
pub(crate) struct Visitor<'v> {
    pub(crate) oauth: &'v Oauth,
    pub(crate) guest: &'v Guest,
    pub(crate) language: Language,
    /// The page's path.
    pub(crate) path: &'static str,
    /// What its forms carry along.
    pub(crate) carried: Fields,
}

impl Visitor<'_> {
    fn token(&self) -> &str {
        self.guest.token.as_ref().map_or("", Secret::reveal)
    }

    pub(crate) fn decider(&self) -> Decider<'_> {
        Decider {
            token: self.token(),
            peer: self.guest.peer,
        }
    }

    /// The page itself, from the beginning.
    fn again(&self, cookies: &[String]) -> Response {
        see_other(&self.onward(), cookies)
    }

    /// The page for somebody who has just proved who they are: what asked for that is met.
    fn onward(&self) -> String {
        let mut fields = Fields::default();
        for (name, value) in self.carried.iter() {
            match name.as_str() {
                "max_age" => {}
                "prompt" => {
                    let met = ["login", "select_account"];
                    let rest: Vec<&str> = value.split(' ').filter(|word| !met.contains(word)).collect();
                    if !rest.is_empty() {
                        fields.push(name, rest.join(" "));
                    }
                }
                _ => fields.push(name, value.as_str()),
            }
        }
        format!("{}?{}", self.path, fields.write())
    }

    /// Who is signed in; or the page that leads there.
    pub(crate) async fn session(&self) -> Result<WebSession, Response> {
        let found = match &self.guest.token {
            Some(token) => self.oauth.access.web_session(token.reveal(), self.guest.peer).await,
            None => return Err(self.ask_password(None)),
        };
        let session = match found {
            Ok(session) => session,
            Err(error) => return Err(self.refused(&error).await),
        };
        match session.stage {
            Stage::SignedIn => Ok(session),
            Stage::SecondFactor => Err(self.ask_code(None).await),
            Stage::ChangePassword => Err(self.elsewhere(Words::ChangePassword)),
            Stage::SetUpSecondFactor => Err(self.elsewhere(Words::SetUpSecondFactor)),
        }
    }

    /// The page for somebody whom sign-in did not let in.
    pub(crate) async fn refused(&self, error: &AccessError) -> Response {
        let text = self.language.error(error);
        match error {
            AccessError::NotSignedIn => self.ask_password(None),
            AccessError::WrongCode => self.ask_code(Some(&text)).await,
            AccessError::Passkey(_) if self.has_session().await => self.ask_code(Some(&text)).await,
            AccessError::ProofNeeded | AccessError::NeedsCode => self.ask_proof(Some(&text)).await,
            AccessError::Unfinished(Stage::SecondFactor) => self.ask_code(None).await,
            _ => self.ask_password(Some(&text)),
        }
    }

    async fn has_session(&self) -> bool {
        let found = self.oauth.access.web_session(self.token(), self.guest.peer);
        found.await.is_ok_and(|session| session.stage == Stage::SecondFactor)
    }

    /// What the browser of whoever has begun to sign in is asked for, if the account has a passkey.
    async fn passkey_request(&self) -> Option<Value> {
        let request = self.oauth.access.web_passkey_request(self.token(), self.guest.peer);
        request.await.ok()
    }

    fn status(error: Option<&str>) -> StatusCode {
        // A page that asks is an answer like others; one that refuses says so to programs, too.
        match error {
            Some(_) => StatusCode::FORBIDDEN,
            None => StatusCode::OK,
        }
    }

    fn ask_password(&self, error: Option<&str>) -> Response {
        let form = Form::default()
            .passkey("passkey", Some(self.oauth.access.passkey_sign_in_request()))
            .text_button("sso", Words::SingleSignOn)
            .filled_input("login", Words::Address, "username", self.carried.value("login_hint"))
            .input("password", Words::Password, "current-password")
            .main_button("sign-in", Words::Continue);
        self.ask(Words::SignIn, error, None, &form)
    }

    async fn ask_code(&self, error: Option<&str>) -> Response {
        let form = Form::default()
            .passkey("code", self.passkey_request().await)
            .input("code", Words::Code, "one-time-code")
            .checkbox("trust", Words::TrustDevice)
            .text_button("switch", Words::OtherAccount)
            .main_button("code", Words::Continue);
        self.ask(Words::SecondFactor, error, Some(Words::CodeHint), &form)
    }

    /// The last proof is too old for what is delicate (AUTH-25): a password, or a code where there is a second factor.
    pub(crate) async fn ask_proof(&self, error: Option<&str>) -> Response {
        let form = Form::default()
            .passkey("prove", self.passkey_request().await)
            .input("password", Words::Password, "current-password")
            .text_button("switch", Words::OtherAccount)
            .main_button("prove", Words::Continue);
        self.ask(Words::SignIn, error, None, &form)
    }

    fn ask(&self, title: Words, error: Option<&str>, hint: Option<Words>, form: &Form) -> Response {
        let mut page = Page::new(self.language, self.language.say(title)).error(error);
        if let Some(hint) = hint {
            page = page.hint(hint);
        }
        page.form(self.path, &self.carried, form).answer(Self::status(error))
    }

    fn elsewhere(&self, words: Words) -> Response {
        let form = Form::default().text_button("switch", Words::OtherAccount);
        Page::new(self.language, self.language.say(Words::SignIn))
            .say(words)
            .link_home()
            .form(self.path, &self.carried, &form)
            .answer(StatusCode::OK)
    }

    /// A step towards being signed in, if that is what was posted.
    pub(crate) async fn step(&self, posted: &Fields) -> Option<Response> {
        let outcome = match posted.value("step") {
            Some("sign-in") => self.sign_in(posted).await,
            Some("passkey") => self.sign_in_by_passkey(posted).await,
            Some("sso") => return Some(self.lead_to_provider(posted).await),
            Some("code") => self.show_code(posted).await,
            Some("prove") => self.prove(posted).await,
            Some("switch") => self.switch().await,
            _ => return None,
        };
        Some(match outcome {
            Ok(answer) => answer,
            Err(error) => self.refused(&error).await,
        })
    }

    async fn sign_in(&self, posted: &Fields) -> Result<Response, AccessError> {
        let access = &self.oauth.access;
        let login = posted.value("login").unwrap_or_default().trim();
        let password = Secret::new(posted.value("password").unwrap_or_default());
        Ok(self.begun(&access.web_sign_in(login, &password, self.visit()).await?))
    }

    /// To the provider of the organisation whose address is typed, and back to this page.
    async fn lead_to_provider(&self, posted: &Fields) -> Response {
        let Some(login) = posted.value("login") else {
            return self.ask_password(Some(self.language.say(Words::TypeAddress)));
        };
        let departure = async {
            let sso = self.oauth.single_sign_on.as_ref().ok_or(OpenIdError::NoProvider)?;
            let tenant = sso.organisation(Some(login), None).await?;
            let wish = Wish {
                back: &self.onward(),
                link: None,
                prove: self
                    .carried
                    .value("prompt")
                    .is_some_and(|words| words.contains("login")),
                login: Some(login),
            };
            sso.depart(tenant, wish).await
        };
        match departure.await {
            Ok(departure) => single_sign_on::lead(self.language, &departure),
            Err(OpenIdError::NoProvider) => self.ask_password(Some(self.language.say(Words::SsoNone))),
            Err(error) => single_sign_on::failed(self.language, &error),
        }
    }

    async fn sign_in_by_passkey(&self, posted: &Fields) -> Result<Response, AccessError> {
        let answer = posted.value("passkey").unwrap_or_default();
        let begun = self.oauth.access.web_sign_in_by_passkey(answer, self.visit()).await?;
        Ok(self.begun(&begun))
    }

    fn visit(&self) -> Visit<'_> {
        Visit {
            peer: self.guest.peer,
            client: &self.guest.client,
            device: self.guest.device.as_ref().map(Secret::reveal),
        }
    }

    fn begun(&self, begun: &Begun) -> Response {
        let millis = begun.session.end.millis.saturating_sub(self.oauth.access.now().millis);
        let secs = u64::try_from(millis / 1_000).unwrap_or(0);
        self.again(&[cookie(SESSION_COOKIE, begun.token.reveal(), secs)])
    }

    async fn show_code(&self, posted: &Fields) -> Result<Response, AccessError> {
        let access = &self.oauth.access;
        let trust = posted.value("trust").map(|_| "");
        let proof = match posted.value("passkey") {
            Some(answer) => SecondProof::Passkey(answer.to_owned()),
            None => second(posted.value("code").unwrap_or_default()),
        };
        let passed = access
            .web_second_factor(self.token(), &proof, trust, self.guest.peer)
            .await?;
        let secs = u64::from(access.trusted_device_days()) * 86_400;
        let device = passed.device.map(|device| cookie(DEVICE_COOKIE, device.reveal(), secs));
        Ok(self.again(device.as_slice()))
    }

    async fn prove(&self, posted: &Fields) -> Result<Response, AccessError> {
        let shown = posted.value("password").unwrap_or_default();
        let access = &self.oauth.access;
        if let Some(answer) = posted.value("passkey") {
            let by_passkey = WebProof::Second(SecondProof::Passkey(answer.to_owned()));
            access.web_prove(self.token(), &by_passkey, self.guest.peer).await?;
            return Ok(self.again(&[]));
        }
        let by_password = WebProof::Password(Secret::new(shown));
        match access.web_prove(self.token(), &by_password, self.guest.peer).await {
            Err(AccessError::NeedsCode) => {
                let by_code = WebProof::Second(second(shown));
                access.web_prove(self.token(), &by_code, self.guest.peer).await?;
            }
            proved => drop(proved?),
        }
        Ok(self.again(&[]))
    }

    async fn switch(&self) -> Result<Response, AccessError> {
        self.oauth.access.end_web_session(self.token()).await?;
        Ok(self.again(&[cookie(SESSION_COOKIE, "", 0)]))
    }
}

/// Six digits are a code, anything else is meant as a recovery code.
fn second(typed: &str) -> SecondProof {
    let plain: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    match plain.len() == 6 && plain.bytes().all(|digit| digit.is_ascii_digit()) {
        true => SecondProof::Totp(plain),
        false => SecondProof::RecoveryCode(typed.to_owned()),
    }
}
