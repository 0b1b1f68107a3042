//! The gateway: one question a message.

use bytes::Bytes;
use hongyan_access::{TextError, TextGateway, TextInvitation, TextMessage};
use hongyan_env::{BoxFuture, Env};
use hongyan_fetch::{Ask, FetchOptions, Fetcher, Url};

use crate::template::{Writing, fill};

/// What a message says, where the gateway has no text of its own.
const TEXT: &str =
    "您的验证码是 {code}，{minutes} 分钟内有效，请勿告诉他人。Your code is {code}, good for {minutes} minutes.";

/// What an invitation says.
const INVITATION: &str = "{organisation} 为您开通了邮箱 {address}，请打开 {link} 设置密码。Your mailbox {address} is ready, set its password at {link}";

/// How a gateway is asked.
#[derive(Debug, Clone, Default)]
pub struct GatewayOptions {
    /// Where, with places: `{number}` (`+8613800138000`), `{digits}` (without the sign), `{code}`, `{minutes}`, `{text}`.
    pub url: String,
    /// Fields of the header, each `Name: value`.
    pub headers: Vec<String>,
    /// What is posted, with the same places; when it is empty, it is a GET.
    pub body: String,
    /// What the body is; says how values are put into it.
    pub content_type: String,
    /// What a message says, with places; empty is a text in Chinese and English.
    pub text: String,
    /// What is posted to bring an invitation, with places `{number}`, `{digits}`, `{link}`, `{address}`, `{organisation}`, `{text}`;
    /// when it is empty, it goes like a code, where `url` and `body` have a place for the `{text}` and none for a `{code}`.
    pub invitation_body: String,
    /// What an invitation says, with places; empty is a text in Chinese and English.
    pub invitation_text: String,
    /// What the answer has to contain, for gateways that answer 200 in any case; empty is nothing.
    pub taken: String,
    /// Whom to trust, how long to wait.
    pub fetch: FetchOptions,
}

/// Why a gateway cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A setting is wrong.
    #[error("setting sms.{setting} {message}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What is wrong.
        message: &'static str,
    },
    /// TLS cannot be set up.
    #[error("set up TLS for the SMS gateway")]
    Tls(#[from] rustls::Error),
}

/// A gateway over HTTP.
pub struct HttpGateway {
    fetcher: Fetcher,
    options: GatewayOptions,
    fields: Vec<(&'static str, String)>,
}

fn wrong(setting: &'static str, message: &'static str) -> GatewayError {
    GatewayError::Setting { setting, message }
}

/// `Name: value`.
fn field(line: &str) -> Result<(&'static str, String), GatewayError> {
    let (name, value) = line
        .split_once(':')
        .ok_or_else(|| wrong("headers", "has a line that is not Name: value"))?;
    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
    let is_name = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    if !is_name || value.chars().any(char::is_control) {
        return Err(wrong("headers", "has a name or a value that cannot be sent"));
    }
    // A few words of the configuration, which lives as long as the process.
    Ok((name.leak(), value.to_owned()))
}

impl HttpGateway {
    /// A gateway.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn new(env: Env, options: GatewayOptions) -> Result<Self, GatewayError> {
        let all = format!("{}{}", options.url, options.body);
        let has = |places: &[&str]| places.iter().any(|place| all.contains(place));
        if !has(&["{number}", "{digits}"]) {
            return Err(wrong(
                "body",
                "and sms.url have no place for the {number} or its {digits}",
            ));
        }
        if !has(&["{code}", "{text}"]) {
            return Err(wrong("body", "and sms.url have no place for the {code} or the {text}"));
        }
        if !options.text.is_empty() && !options.text.contains("{code}") {
            return Err(wrong("text", "has no place for the {code}"));
        }
        if !options.invitation_body.is_empty() {
            let all = format!("{}{}", options.url, options.invitation_body);
            let has = |places: &[&str]| places.iter().any(|place| all.contains(place));
            if !has(&["{number}", "{digits}"]) || !has(&["{link}", "{text}"]) {
                return Err(wrong(
                    "invitation_body",
                    "and sms.url have no place for the {number} or the {link}",
                ));
            }
        }
        if !options.invitation_text.is_empty() && !options.invitation_text.contains("{link}") {
            return Err(wrong("invitation_text", "has no place for the {link}"));
        }
        let mut fields = Vec::new();
        for line in &options.headers {
            fields.push(field(line)?);
        }
        if !options.body.is_empty() {
            if options.content_type.chars().any(char::is_control) {
                return Err(wrong("content_type", "cannot be sent"));
            }
            fields.push(("content-type", options.content_type.clone()));
        }
        let fetcher = Fetcher::new(env, options.fetch.clone())?;
        let gateway = Self {
            fetcher,
            options,
            fields,
        };
        let sample = gateway.url(&values("+8613800138000", "000000", "10", ""));
        let url = sample.map_err(|()| wrong("url", "is no URL of http or https"))?;
        if !gateway.fetcher.may_lead_to(&url) {
            return Err(wrong("url", "is neither public over TLS nor in sms.networks"));
        }
        Ok(gateway)
    }

    fn url(&self, values: &[(&str, &str)]) -> Result<Url, ()> {
        Url::read(&fill(&self.options.url, values, Writing::Percent)).map_err(|_| ())
    }

    async fn ask(&self, message: TextMessage) -> Result<(), String> {
        let (code, minutes) = (message.code.reveal(), message.minutes.to_string());
        let template = match self.options.text.as_str() {
            "" => TEXT,
            text => text,
        };
        let text = fill(template, &[("code", code), ("minutes", &minutes)], Writing::Plain);
        let values = values(&message.number, code, &minutes, &text);
        self.put(&self.options.body, &values).await
    }

    async fn bring(&self, invitation: TextInvitation) -> Result<(), String> {
        let template = match self.options.invitation_text.as_str() {
            "" => INVITATION,
            text => text,
        };
        let number = invitation.number.as_str();
        let mut values = vec![
            ("number", number),
            ("digits", number.trim_start_matches('+')),
            ("link", invitation.link.reveal()),
            ("address", invitation.address.as_str()),
            ("organisation", invitation.organisation.as_str()),
        ];
        let text = fill(template, &values, Writing::Plain);
        values.push(("text", &text));
        let body = match self.options.invitation_body.as_str() {
            "" => &self.options.body,
            body => body,
        };
        self.put(body, &values).await
    }

    /// Asks the gateway with that body.
    async fn put(&self, body: &str, values: &[(&str, &str)]) -> Result<(), String> {
        let body = fill(body, values, Writing::of(&self.options.content_type));
        let ask = Ask {
            url: self.url(values).map_err(|()| "its URL cannot be asked".to_owned())?,
            fields: self.fields.clone(),
            body: (!body.is_empty()).then(|| Bytes::from(body)),
        };
        let answer = self.fetcher.ask(ask).await.map_err(|error| error.to_string())?;
        if !(200..300).contains(&answer.status) {
            return Err(format!("it answered with the status {}", answer.status));
        }
        let taken = &self.options.taken;
        if !taken.is_empty() && !String::from_utf8_lossy(&answer.body).contains(taken.as_str()) {
            return Err("its answer does not say that it took the message (sms.taken)".to_owned());
        }
        Ok(())
    }
}

fn values<'v>(number: &'v str, code: &'v str, minutes: &'v str, text: &'v str) -> [(&'static str, &'v str); 5] {
    [
        ("number", number),
        ("digits", number.trim_start_matches('+')),
        ("code", code),
        ("minutes", minutes),
        ("text", text),
    ]
}

impl TextGateway for HttpGateway {
    fn send(&self, message: TextMessage) -> BoxFuture<'_, Result<(), TextError>> {
        Box::pin(async move { self.ask(message).await.map_err(TextError) })
    }
    fn invites(&self) -> bool {
        let plain = format!("{}{}", self.options.url, self.options.body);
        let brings_text = plain.contains("{text}") && !plain.contains("{code}");
        match self.options.invitation_body.is_empty() {
            true => brings_text,
            false => !self.options.url.contains("{code}"),
        }
    }
    fn invite(&self, invitation: TextInvitation) -> BoxFuture<'_, Result<(), TextError>> {
        Box::pin(async move { self.bring(invitation).await.map_err(TextError) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hongyan_sasl::Secret;
    use hongyan_types::AddressRanges;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A gateway that takes one message, answers that, or nothing at all; gives what it was asked.
    async fn place(answer: &'static [u8]) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = Env::real().listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = listener.local_address().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = String::new();
            let mut octets = [0; 4_096];
            while !asked.ends_with("}}") && !asked.contains("GET") {
                let count = stream.read(&mut octets).await.unwrap();
                if count == 0 {
                    break;
                }
                asked.push_str(&String::from_utf8_lossy(&octets[..count]));
            }
            if answer.is_empty() {
                std::future::pending::<()>().await;
            }
            stream.write_all(answer).await.unwrap();
            asked
        });
        (port, server)
    }

    fn options(port: u16) -> GatewayOptions {
        GatewayOptions {
            url: format!("http://127.0.0.1:{port}/send"),
            headers: vec!["Authorization: Bearer secret".to_owned(), "X-Sign: Acme".to_owned()],
            body: r#"{"to":"{number}","params":{"code":"{code}","text":"{text}"}}"#.to_owned(),
            content_type: "application/json".to_owned(),
            taken: "\"ok\"".to_owned(),
            fetch: FetchOptions {
                networks: AddressRanges::read(&["127.0.0.1"]).unwrap().0,
                within: Duration::from_secs(30),
                ..FetchOptions::default()
            },
            ..GatewayOptions::default()
        }
    }

    async fn send(options: GatewayOptions) -> Result<(), TextError> {
        let gateway = HttpGateway::new(Env::real(), options).unwrap();
        let message = TextMessage {
            number: "+8613800138000".to_owned(),
            code: Secret::new("042042"),
            minutes: 10,
        };
        gateway.send(message).await
    }

    #[tokio::test]
    async fn auth_22_a_gateway_is_asked_as_the_operator_says() {
        let (port, server) = place(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"code\":\"ok\"}").await;
        send(options(port)).await.unwrap();
        let asked = server.await.unwrap();
        assert!(asked.starts_with("POST /send HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("authorization: Bearer secret\r\n") && asked.contains("x-sign: Acme\r\n"));
        assert!(asked.contains(r#"{"to":"+8613800138000","params":{"code":"042042","text":"您的验证码是 042042"#));

        let (port, server) = place(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
        let get = GatewayOptions {
            url: format!("http://127.0.0.1:{port}/send?to={{digits}}&c={{code}}&n={{number}}"),
            body: String::new(),
            taken: String::new(),
            ..options(port)
        };
        send(get).await.unwrap();
        let asked = server.await.unwrap();
        assert!(
            asked.starts_with("GET /send?to=8613800138000&c=042042&n=%2B8613800138000 HTTP/1.1\r\n"),
            "{asked}"
        );
    }

    #[tokio::test]
    async fn mem_6_an_invitation_is_brought_as_the_operator_says() {
        let invite = async |options: GatewayOptions| {
            let gateway = HttpGateway::new(Env::real(), options).unwrap();
            let invitation = TextInvitation {
                number: "+8613800138000".to_owned(),
                address: "wang@acme.test".to_owned(),
                organisation: "Acme \"1\"".to_owned(),
                link: Secret::new("https://mail.acme.test/join/hyi_x"),
            };
            (gateway.invites(), gateway.invite(invitation).await)
        };
        let (port, server) = place(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"code\":\"ok\"}").await;
        let own = GatewayOptions {
            invitation_body: r#"{"to":"{digits}","template":7,"p":{"who":"{organisation}","link":"{link}"}}"#
                .to_owned(),
            ..options(port)
        };
        let (invites, sent) = invite(own).await;
        sent.unwrap();
        let asked = server.await.unwrap();
        let expect = r#"{"to":"8613800138000","template":7,"p":{"who":"Acme \"1\"","link":"https://mail.acme.test/join/hyi_x"}}"#;
        assert!(invites && asked.ends_with(expect), "{asked}");

        let (port, server) = place(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"code\":\"ok\"}").await;
        let plain = GatewayOptions {
            body: r#"{"to":"{number}","p":{"text":"{text}"}}"#.to_owned(),
            ..options(port)
        };
        let (invites, sent) = invite(plain).await;
        sent.unwrap();
        let asked = server.await.unwrap();
        assert!(
            invites && asked.contains("开通了邮箱 wang@acme.test，请打开 https://mail.acme.test/join/hyi_x 设置"),
            "{asked}"
        );

        // A gateway with a template for codes alone brings no invitations.
        let gateway = HttpGateway::new(Env::real(), options(1)).unwrap();
        assert!(!gateway.invites());
    }

    #[tokio::test]
    async fn auth_22_a_gateway_that_fails_or_hangs_is_told_as_such() {
        let cases: [(&[u8], &str); 3] = [
            (b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", "status 500"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"no\":1", "sms.taken"),
            (
                b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
                "sends elsewhere",
            ),
        ];
        for (answer, expect) in cases {
            let (port, _server) = place(answer).await;
            let failed = send(options(port)).await.unwrap_err();
            assert!(failed.0.contains(expect), "{failed}");
            assert!(!failed.0.contains("042042"));
        }
        let (port, server) = place(b"").await;
        let mut hasty = options(port);
        hasty.fetch.within = Duration::from_millis(200);
        assert!(send(hasty).await.unwrap_err().0.contains("not answered"));
        server.abort();
        let nobody = options(1);
        assert!(send(nobody).await.is_err());
    }

    #[test]
    fn auth_22_settings_that_cannot_work_are_named() {
        let refused = |change: fn(&mut GatewayOptions), expect: &str| {
            let mut options = options(80);
            change(&mut options);
            let error = HttpGateway::new(Env::real(), options).err().unwrap().to_string();
            assert!(error.contains(expect), "{error}");
        };
        refused(|o| o.body = "{code}".to_owned(), "{number}");
        refused(|o| o.body = "{number}".to_owned(), "{code}");
        refused(|o| o.url = "ftp://x".to_owned(), "sms.url");
        refused(|o| o.url = "http://10.0.0.1/".to_owned(), "sms.networks");
        refused(|o| o.headers = vec!["nothing".to_owned()], "sms.headers");
        refused(|o| o.text = "hello".to_owned(), "sms.text");
        refused(|o| o.invitation_text = "hello".to_owned(), "sms.invitation_text");
        refused(|o| o.invitation_body = "{number}".to_owned(), "sms.invitation_body");
    }
}
