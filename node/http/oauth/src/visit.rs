//! Whoever looks at a page, and the way to being signed in that all pages share.

use axum::http::StatusCode;
use axum::response::Response;
use hongyan_access::{
    AccessError, Begun, DEVICE_COOKIE, Decider, Guest, SESSION_COOKIE, SecondProof, Stage, Visit, WebProof, WebSession,
    cookie,
};
use hongyan_directory::TermsVersion;
use hongyan_openid::{OpenIdError, Wish};
use hongyan_saml::SamlError;
use hongyan_sasl::Secret;
use hongyan_types::TenantId;
use serde_json::Value;

use crate::Oauth;
use crate::form::Fields;
use crate::look::{Look, Pages};
use crate::page::{Form, Page, see_other};
use crate::recover;
use crate::single_sign_on;
use crate::text::{Language, Words};

/// One look at a page.
pub(crate) struct Visitor<'v> {
    pub(crate) oauth: &'v Oauth,
    pub(crate) guest: &'v Guest,
    pub(crate) language: Language,
    /// How the page looks to members of an organisation.
    pub(crate) look: Option<Look>,
    /// The page's path.
    pub(crate) path: &'static str,
    /// What its forms carry along.
    pub(crate) carried: Fields,
}

impl Visitor<'_> {
    fn token(&self) -> &str {
        self.guest.token.as_ref().map_or("", Secret::reveal)
    }

    /// A page with the look of the organisation.
    pub(crate) fn page(&self, title: impl Into<String>) -> Page {
        Page::new(self.language, title).looking(self.look.clone())
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

    pub(crate) fn pages(&self) -> Pages {
        Pages {
            language: self.language,
            look: self.look.clone(),
        }
    }

    /// Where a password is set anew, for the address that was typed or that the page knows of.
    fn forgotten(&self, posted: &Fields) -> String {
        let mut known = self.carried.clone();
        if let Some(login) = posted.value("login") {
            known.push("login", login);
        }
        recover::from(&known)
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
            Stage::AcceptTerms => Err(self.ask_terms().await),
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
            AccessError::Directory(hongyan_directory::Error::Refused(_)) if self.has_session().await => {
                self.ask_code(Some(self.language.say(Words::NoOtherDevice))).await
            }
            AccessError::TextGatewayFailed | AccessError::CodesUsedUp { .. } if self.has_session().await => {
                self.ask_code(Some(&text)).await
            }
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
            .text_button("forgot", Words::Forgot)
            .main_button("sign-in", Words::Continue);
        let form = match self.oauth.access.has_text_gateway() {
            true => form.text_button("phone", Words::SignInByPhone),
            false => form,
        };
        self.ask(Words::SignIn, error, None, &form)
    }

    async fn ask_code(&self, error: Option<&str>) -> Response {
        let form = Form::default()
            .passkey("code", self.passkey_request().await)
            .input("code", Words::Code, "one-time-code")
            .checkbox("trust", Words::TrustDevice)
            .text_button("approval", Words::OtherDevice)
            .text_button("switch", Words::OtherAccount)
            .main_button("code", Words::Continue);
        let has_sms = self
            .oauth
            .access
            .web_has_sms_factor(self.token(), self.guest.peer)
            .await;
        let form = match has_sms {
            true => form.text_button("send-sms", Words::CodeByPhone),
            false => form,
        };
        self.ask(Words::SecondFactor, error, Some(Words::CodeHint), &form)
    }

    /// A code was sent to the phone.
    fn ask_sms(&self) -> Response {
        let form = Form::default()
            .input("code", Words::Code, "one-time-code")
            .checkbox("trust", Words::TrustDevice)
            .text_button("other-way", Words::OtherWay)
            .main_button("sms", Words::Continue);
        self.ask(Words::SecondFactor, None, Some(Words::CodeWasSent), &form)
    }

    /// The number that is to be typed on another device (AUTH-18).
    async fn ask_approval(&self) -> Result<Response, AccessError> {
        let asked = self
            .oauth
            .access
            .web_ask_approval(self.token(), self.guest.peer)
            .await?;
        let form = Form::default()
            .text_button("switch", Words::OtherAccount)
            .main_button("other-way", Words::Continue);
        Ok(self
            .page(self.language.say(Words::OtherDevice))
            .say(Words::TypeNumber)
            .number(asked.number)
            .hint(Words::TypeNumberHint)
            .form(self.path, &self.carried, &form)
            .answer(StatusCode::OK))
    }

    /// A code that is sent to a phone, in place of the password (AUTH-5).
    fn ask_phone(&self, number: Option<&str>, error: Option<&str>) -> Response {
        let mut carried = self.carried.clone();
        let form = match number {
            None => Form::default()
                .input("phone", Words::Phone, "tel")
                .text_button("other-way", Words::OtherWay)
                .main_button("phone-send", Words::Continue),
            Some(number) => {
                carried.push("phone", number);
                Form::default()
                    .input("code", Words::Code, "one-time-code")
                    .text_button("other-way", Words::OtherWay)
                    .main_button("phone-code", Words::Continue)
            }
        };
        let hint = number.map_or(Words::PhoneHint, |_| Words::CodeWasSent);
        self.page(self.language.say(Words::SignInByPhone))
            .error(error)
            .hint(hint)
            .form(self.path, &carried, &form)
            .answer(Self::status(error))
    }

    /// Of several accounts one is chosen (AUTH-6): the code that was typed is still good.
    fn ask_account(&self, posted: &Fields, accounts: &[String]) -> Response {
        let mut page = self.page(self.language.say(Words::ChooseAccount));
        for account in accounts {
            let mut carried = self.carried.clone();
            for name in ["phone", "code"] {
                carried.push(name, posted.value(name).unwrap_or_default());
            }
            carried.push("account", account);
            let form = Form::default().main_button("phone-code", Words::Continue);
            page = page.text(account).form(self.path, &carried, &form);
        }
        page.answer(StatusCode::OK)
    }

    /// The terms that have to be accepted first (AUTH-29).
    async fn ask_terms(&self) -> Response {
        let asked = self.oauth.access.web_terms(self.token(), self.guest.peer).await;
        let asked = match asked {
            Ok(asked) => asked,
            Err(error) => return self.ask_password(Some(&self.language.error(&error))),
        };
        let mut page = self.page(self.language.say(Words::Terms)).hint(Words::TermsHint);
        let mut shown = Vec::new();
        for terms in asked.iter().filter(|terms| terms.accepted.is_none()) {
            for line in self.language.of_two(&terms.english, &terms.chinese).lines() {
                page = page.text(line);
            }
            let of = terms.version.of.map_or(0, |tenant| tenant.0);
            shown.push(format!("{of}.{}", terms.version.version));
        }
        let mut carried = self.carried.clone();
        carried.push("terms", shown.join(" "));
        let form = Form::default()
            .text_button("switch", Words::OtherAccount)
            .main_button("terms", Words::Accept);
        page.form(self.path, &carried, &form).answer(StatusCode::OK)
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
        let mut page = self.page(self.language.say(title)).error(error);
        if let Some(hint) = hint {
            page = page.hint(hint);
        }
        page.form(self.path, &self.carried, form).answer(Self::status(error))
    }

    fn elsewhere(&self, words: Words) -> Response {
        let form = Form::default().text_button("switch", Words::OtherAccount);
        self.page(self.language.say(Words::SignIn))
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
            Some("forgot") => return Some(see_other(&self.forgotten(posted), &[])),
            Some("other-way") => Ok(self.again(&[])),
            Some("approval") => self.ask_approval().await,
            Some("send-sms") => self.send_sms().await,
            Some("sms") => self.show_sms(posted).await,
            Some("phone") => Ok(self.ask_phone(None, None)),
            Some("phone-send") => Ok(self.send_to_phone(posted)),
            Some("phone-code") => Ok(self.sign_in_by_phone(posted).await),
            Some("terms") => self.accept_terms(posted).await,
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
            single_sign_on::depart(self.oauth, tenant, wish).await
        };
        match departure.await {
            Ok(departure) => single_sign_on::lead(&self.pages(), &departure),
            Err(SamlError::SignIn(OpenIdError::NoProvider)) => {
                self.ask_password(Some(self.language.say(Words::SsoNone)))
            }
            Err(error) => single_sign_on::failed(&self.pages(), &error),
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
        let proof = match posted.value("passkey") {
            Some(answer) => SecondProof::Passkey(answer.to_owned()),
            None => second(posted.value("code").unwrap_or_default()),
        };
        self.pass(&proof, posted).await
    }

    async fn pass(&self, proof: &SecondProof, posted: &Fields) -> Result<Response, AccessError> {
        let access = &self.oauth.access;
        let trust = posted.value("trust").map(|_| "");
        let passed = access
            .web_second_factor(self.token(), proof, trust, self.guest.peer)
            .await?;
        let secs = u64::from(access.trusted_device_days()) * 86_400;
        let device = passed.device.map(|device| cookie(DEVICE_COOKIE, device.reveal(), secs));
        Ok(self.again(device.as_slice()))
    }

    async fn send_sms(&self) -> Result<Response, AccessError> {
        self.oauth.access.web_send_text(self.token(), self.guest.peer).await?;
        Ok(self.ask_sms())
    }

    async fn show_sms(&self, posted: &Fields) -> Result<Response, AccessError> {
        let proof = SecondProof::Text(posted.value("code").unwrap_or_default().to_owned());
        self.pass(&proof, posted).await
    }

    fn send_to_phone(&self, posted: &Fields) -> Response {
        let number = posted.value("phone").unwrap_or_default();
        match self.oauth.access.web_ask_phone(number, self.guest.peer) {
            Ok(()) => self.ask_phone(Some(number), None),
            Err(AccessError::Directory(_)) => self.ask_phone(None, Some(self.language.say(Words::PhoneHint))),
            Err(error) => self.ask_phone(None, Some(&self.language.error(&error))),
        }
    }

    async fn sign_in_by_phone(&self, posted: &Fields) -> Response {
        let value = |name| posted.value(name).unwrap_or_default();
        let (number, chosen) = (value("phone"), posted.value("account"));
        let access = &self.oauth.access;
        let begun = access
            .web_sign_in_by_phone(number, value("code"), chosen, self.visit())
            .await;
        match begun {
            Ok(begun) => self.begun(&begun),
            Err(AccessError::ChooseAccount(accounts)) => self.ask_account(posted, &accounts),
            Err(AccessError::WrongCode) => self.ask_phone(Some(number), Some(self.language.say(Words::WrongSentCode))),
            Err(error) => self.ask_phone(Some(number), Some(&self.language.error(&error))),
        }
    }

    async fn accept_terms(&self, posted: &Fields) -> Result<Response, AccessError> {
        let read = |value: &str| {
            let (of, version) = value.split_once('.')?;
            let of: u64 = of.parse().ok()?;
            Some(TermsVersion {
                of: (of != 0).then_some(TenantId(of)),
                version: version.parse().ok()?,
            })
        };
        let shown = posted.value("terms").unwrap_or_default().split(' ');
        let versions: Vec<TermsVersion> = shown.filter_map(read).collect();
        let access = &self.oauth.access;
        match access.web_accept_terms(self.token(), &versions, self.guest.peer).await {
            // There are newer ones: those are shown.
            Ok(_) | Err(AccessError::Directory(hongyan_directory::Error::Refused(_))) => Ok(self.again(&[])),
            Err(error) => Err(error),
        }
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
    match is_digits(&plain) {
        true => SecondProof::Totp(plain),
        false => SecondProof::RecoveryCode(typed.to_owned()),
    }
}

/// Whether a text is a code of six digits.
pub(crate) fn is_digits(plain: &str) -> bool {
    plain.len() == 6 && plain.bytes().all(|digit| digit.is_ascii_digit())
}
