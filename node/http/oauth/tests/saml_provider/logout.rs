//! Single logout, as a browser goes round: by whoever it is begun.

use std::io::Read;

use hongyan_http_oauth::Fields;
use hongyan_saml::{LEAVE_COOKIE, LEAVE_PATH, SignOutPlace};

use super::*;

const SECOND: &str = "https://second.test";
const ECDSA: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/// What a browser keeps.
struct Jar {
    token: Option<Secret>,
    leave: String,
}

impl Jar {
    fn of(token: Secret) -> Self {
        Self {
            token: Some(token),
            leave: String::new(),
        }
    }
}

impl World {
    async fn browse(&self, jar: &mut Jar, place: &str) -> Answer {
        self.ask(jar, place, None).await
    }

    async fn submit(&self, jar: &mut Jar, place: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask(jar, place, Some(fields)).await
    }

    /// Asks, keeps what is to be kept, and follows what leads on here.
    async fn ask(&self, jar: &mut Jar, place: &str, form_of: Option<&[(&str, &str)]>) -> Answer {
        let path = place.strip_prefix("https://localhost").unwrap_or(place);
        let kept = jar.leave.clone();
        let request = match form_of {
            None => Request::get(path).header(header::COOKIE, kept).body(Body::empty()),
            Some(fields) => Request::post(path)
                .header(header::COOKIE, kept)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(form(fields))),
        };
        let answer = self.call(jar.token.as_ref(), request.unwrap()).await;
        for set in &answer.cookies {
            let (pair, rest) = set.split_once(';').unwrap();
            let (name, _) = pair.split_once('=').unwrap();
            let is_gone = rest.contains("Max-Age=0");
            match name {
                LEAVE_COOKIE if is_gone => jar.leave.clear(),
                LEAVE_COOKIE => jar.leave = pair.to_owned(),
                _ if is_gone => jar.token = None,
                _ => {}
            }
        }
        match answer.status {
            303 if answer.location.starts_with(LEAVE_PATH) => Box::pin(self.ask(jar, &answer.location, None)).await,
            _ => answer,
        }
    }

    async fn is_signed_in(&self, token: &Secret) -> bool {
        self.access.web_session(token.reveal(), PEER).await.is_ok()
    }

    fn sign_out(&self) -> String {
        self.saml.sign_out_place_of_provider(self.acme)
    }

    /// Tells an application of somebody; gives how it knows them and their session.
    async fn tell(&self, token: &Secret, entity_id: &str) -> (String, String) {
        let ask = Ask {
            issuer: entity_id.to_owned(),
            ..Ask::new(&new_name())
        };
        let answer = self.bring(Some(token), &ask.query()).await;
        let said = self.believed(&answer, entity_id).await.unwrap();
        (said.subject, said.session.unwrap())
    }
}

/// Another one each time.
fn new_name() -> String {
    let mut random = [0; 16];
    Env::real().fill_random(&mut random);
    let hex: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("_{hex}")
}

fn joined(id: &str, entity_id: &str, key: &Key, sign_out: Option<SignOutPlace>) -> Application {
    Application {
        name: format!("App {id}"),
        certificates: vec![Certificate::read(&key.pem).unwrap()],
        sign_out,
        ..application(id, entity_id)
    }
}

fn place(location: &str, by_post: bool) -> Option<SignOutPlace> {
    Some(SignOutPlace {
        location: location.to_owned(),
        response_location: None,
        by_post,
    })
}

/// What somebody says about signing out: in canonical form.
#[derive(Clone)]
struct Leave {
    kind: &'static str,
    id: String,
    issuer: String,
    at: i64,
    destination: String,
    /// Attributes that come after IssueInstant.
    attributes: String,
    within: String,
}

impl Leave {
    fn request(issuer: &str, destination: &str, (name, index): (&str, &str)) -> Self {
        let index = match index {
            "" => String::new(),
            index => format!("<samlp:SessionIndex>{index}</samlp:SessionIndex>"),
        };
        let name = format!(
            "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Format=\"{PERSISTENT}\">{name}</saml:NameID>"
        );
        Self {
            kind: "LogoutRequest",
            id: new_name(),
            issuer: issuer.to_owned(),
            at: now_secs(),
            destination: destination.to_owned(),
            attributes: String::new(),
            within: format!("{name}{index}"),
        }
    }
    fn response(issuer: &str, destination: &str, request: &str, status: &str) -> Self {
        Self {
            kind: "LogoutResponse",
            id: new_name(),
            issuer: issuer.to_owned(),
            at: now_secs(),
            destination: destination.to_owned(),
            attributes: String::new(),
            within: format!(
                "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"></samlp:StatusCode></samlp:Status>"
            ),
        }
        .answering(request)
    }
    fn answering(mut self, request: &str) -> Self {
        // It comes before IssueInstant in canonical form, after ID.
        self.id = format!("{}\" InResponseTo=\"{request}", self.id);
        self
    }
    fn named(self, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..self
        }
    }
    fn own_id(&self) -> &str {
        self.id.split('"').next().unwrap()
    }
    fn field(&self) -> &'static str {
        match self.kind {
            "LogoutRequest" => "SAMLRequest",
            _ => "SAMLResponse",
        }
    }
    fn write(&self, signature: &str) -> String {
        let Self { kind, id, issuer, .. } = self;
        format!(
            "<samlp:{kind} xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{}\" ID=\"{id}\" IssueInstant=\"{}\"{} Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{issuer}</saml:Issuer>{signature}{}</samlp:{kind}>",
            self.destination,
            moment(self.at),
            self.attributes,
            self.within
        )
    }
    fn query(&self, key: &Key) -> String {
        let message = packed(&self.write(""));
        let signed = form(&[(self.field(), &message), ("RelayState", "r s"), ("SigAlg", ECDSA)]);
        let value = STANDARD.encode(key.sign(signed.as_bytes()));
        format!("{signed}&{}", form(&[("Signature", &value)]))
    }
    fn post(&self, key: &Key) -> String {
        let mut words = Words::about("_x", "x", "x");
        words.transforms = format!(
            "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>{CANONICAL}"
        );
        let signature = words.sign(key, &self.write(""), self.own_id());
        STANDARD.encode(self.write(&signature))
    }
}

/// Where a page leads, and the message that it carries.
fn carried(answer: &Answer, field: &str) -> (String, String, Option<String>) {
    let to = between(&answer.text, "<a href=\"", "\"").unwrap_or_else(|| panic!("{} {}", answer.status, answer.text));
    let (place, query) = to.split_once('?').unwrap();
    let fields = Fields::read(query).unwrap();
    let packed = STANDARD.decode(fields.value(field).unwrap()).unwrap();
    let mut text = String::new();
    flate2::read::DeflateDecoder::new(&packed[..])
        .read_to_string(&mut text)
        .unwrap();
    (place.to_owned(), text, fields.value("RelayState").map(str::to_owned))
}

fn posted(answer: &Answer, field: &str) -> (String, String) {
    let place = between(&answer.text, "<form method=\"post\" action=\"", "\"");
    let message = between(&answer.text, &format!("name=\"{field}\" value=\""), "\"");
    let message = message.unwrap_or_else(|| panic!("{} {}", answer.status, answer.text));
    (
        place.unwrap(),
        String::from_utf8(STANDARD.decode(message).unwrap()).unwrap(),
    )
}

fn id_of(text: &str) -> String {
    between(text, " ID=\"", "\"").unwrap()
}

#[tokio::test]
async fn api_2_an_application_signs_out_and_the_others_are_told() {
    let world = World::new().await;
    let (key, second) = (Key::make(), Key::make());
    let back = "https://app.test/slo?x=1";
    world.connect(joined("app", APP, &key, place(back, false))).await;
    world
        .connect(joined(
            "second",
            SECOND,
            &second,
            place("https://second.test/slo", true),
        ))
        .await;
    world.connect(joined("third", "https://third.test", &key, None)).await;
    let anna = world.sign_in("anna@example.test").await;
    let known = world.tell(&anna, APP).await;
    let (name, index) = world.tell(&anna, SECOND).await;
    world.tell(&anna, "https://third.test").await;
    let mut jar = Jar::of(anna.clone());
    let leave = Leave::request(APP, &world.sign_out(), (&known.0, &known.1));
    let page = world
        .browse(&mut jar, &format!("{}?{}", world.sign_out(), leave.query(&key)))
        .await;
    // The session here ends before anybody else is told.
    assert!(!world.is_signed_in(&anna).await && jar.token.is_none());
    let (to, request) = posted(&page, "SAMLRequest");
    assert_eq!(to, "https://second.test/slo");
    assert!(page.text.contains("App second"), "{}", page.text);
    for part in [
        format!(">{name}</saml:NameID>"),
        format!("<samlp:SessionIndex>{index}</samlp:SessionIndex>"),
        "Destination=\"https://second.test/slo\"".to_owned(),
        "<ds:SignatureValue>".to_owned(),
    ] {
        assert!(request.contains(&part), "{part}: {request}");
    }
    // It does not answer at first.
    let waiting = world.browse(&mut jar, LEAVE_PATH).await;
    assert!(waiting.text.contains("has not answered") && waiting.text.contains("App second"));
    // An answer to another request, or of another application, is none.
    for (issuer, request, by, why) in [
        (SECOND, "_other", &second, "InResponseTo"),
        (APP, &*id_of(&request), &key, "InResponseTo"),
        (SECOND, &*id_of(&request), &key, "signature is wrong"),
    ] {
        let answer = Leave::response(issuer, &world.sign_out(), request, "Success");
        let answer = answer.post(by);
        let page = world
            .submit(&mut jar, &world.sign_out(), &[("SAMLResponse", &answer)])
            .await;
        assert!(
            page.status >= 400 && plain(&page.text).contains(why),
            "{why}: {}",
            page.text
        );
        // The rest are told all the same.
        assert!(page.text.contains(&format!("action=\"{LEAVE_PATH}\"")), "{}", page.text);
    }
    let waiting = world.submit(&mut jar, LEAVE_PATH, &[("step", "look")]).await;
    assert!(waiting.text.contains("has not answered"), "{}", waiting.text);
    let answer = Leave::response(SECOND, &world.sign_out(), &id_of(&request), "Success").post(&second);
    let page = world
        .submit(&mut jar, &world.sign_out(), &[("SAMLResponse", &answer)])
        .await;
    // One of them takes no such messages.
    assert!(page.text.contains("may still be signed in"), "{}", page.text);
    assert!(
        page.text.contains("App third") && !page.text.contains("App second"),
        "{}",
        page.text
    );
    let page = world.submit(&mut jar, LEAVE_PATH, &[("step", "read")]).await;
    let to = between(&page.text, "<a href=\"", "\"").unwrap();
    assert!(to.starts_with(&format!("{back}&SAMLResponse=")), "{to}");
    let (_, text, state) = carried(&page, "SAMLResponse");
    assert_eq!(state.as_deref(), Some("r s"));
    assert!(
        text.contains("status:Success\"><samlp:StatusCode") && text.contains("PartialLogout"),
        "{text}"
    );
    assert!(text.contains(&format!("InResponseTo=\"{}\"", leave.own_id())), "{text}");
    assert!(jar.leave.is_empty());
    // There is nothing more to go round for.
    assert_eq!(world.browse(&mut jar, LEAVE_PATH).await.status, 403);
}

#[tokio::test]
async fn api_2_whoever_signs_out_here_is_signed_out_at_applications() {
    let world = World::new().await;
    let key = Key::make();
    world
        .connect(joined("app", APP, &key, place("https://app.test/slo", false)))
        .await;
    world
        .connect(joined("second", SECOND, &key, place("https://second.test/slo", false)))
        .await;
    let anna = world.sign_in("anna@example.test").await;
    world.tell(&anna, APP).await;
    world.tell(&anna, SECOND).await;
    let mut jar = Jar::of(anna.clone());
    let page = world.submit(&mut jar, "/sso/logout", &[]).await;
    assert!(!world.is_signed_in(&anna).await && jar.token.is_none());
    let (to, first, _) = carried(&page, "SAMLRequest");
    assert_eq!(to, "https://app.test/slo");
    let answer = Leave::response(APP, &world.sign_out(), &id_of(&first), "Success").query(&key);
    let page = world.browse(&mut jar, &format!("{}?{answer}", world.sign_out())).await;
    let (to, _, _) = carried(&page, "SAMLRequest");
    assert_eq!(to, "https://second.test/slo");
    // The second one is not waited for; it is named.
    let page = world.submit(&mut jar, LEAVE_PATH, &[("step", "skip")]).await;
    assert!(
        page.text.contains("App second") && !page.text.contains("App app"),
        "{}",
        page.text
    );
    let page = world.submit(&mut jar, LEAVE_PATH, &[("step", "read")]).await;
    assert!(
        page.text.contains("You are signed out") && page.text.contains("href=\"/\""),
        "{}",
        page.text
    );
    // Whose session nobody was told of is signed out as ever.
    let mut jar = Jar::of(world.sign_in("anna@example.test").await);
    let gone = world.submit(&mut jar, "/sso/logout", &[]).await;
    assert_eq!((gone.status, gone.location.as_str()), (303, "/"));
}

#[tokio::test]
async fn api_2_what_lies_ends_no_session() {
    let world = World::new().await;
    let (key, other) = (Key::make(), Key::make());
    world
        .connect(joined("app", APP, &key, place("https://app.test/slo", false)))
        .await;
    world
        .connect(joined(
            "second",
            SECOND,
            &other,
            place("https://second.test/slo", false),
        ))
        .await;
    let anna = world.sign_in("anna@example.test").await;
    let (name, index) = world.tell(&anna, APP).await;
    let mut jar = Jar::of(anna.clone());
    let to = world.sign_out();
    let good = || Leave::request(APP, &to, (&name, &index));
    let far = 900 + 180 + 10;
    let ended = " NotOnOrAfter=\"2020-01-01T00:00:00Z\"".to_owned();
    for (at, (leave, by, why)) in [
        (good(), &other, "signature is wrong"),
        (
            Leave {
                issuer: "https://x.test".to_owned(),
                ..good()
            },
            &key,
            "is not registered",
        ),
        (
            Leave {
                issuer: SECOND.to_owned(),
                ..good()
            },
            &key,
            "signature is wrong",
        ),
        (
            Leave {
                destination: world.place(),
                ..good()
            },
            &key,
            "Destination",
        ),
        (
            Leave {
                at: now_secs() - far,
                ..good()
            },
            &key,
            "it is over",
        ),
        (
            Leave {
                at: now_secs() + 200,
                ..good()
            },
            &key,
            "it has not come",
        ),
        (
            Leave {
                attributes: ended,
                ..good()
            },
            &key,
            "it is over",
        ),
        (
            Leave {
                within: String::new(),
                ..good()
            },
            &key,
            "NameID",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let leave = leave.named(&format!("_{at}"));
        let page = world.browse(&mut jar, &format!("{to}?{}", leave.query(by))).await;
        assert!(
            page.status == 400 && plain(&page.text).contains(why),
            "{why}: {}",
            page.text
        );
        let page = world.submit(&mut jar, &to, &[("SAMLRequest", &leave.post(by))]).await;
        assert!(
            page.status == 400 && plain(&page.text).contains(why),
            "{why}: {}",
            page.text
        );
    }
    let bare = form(&[("SAMLRequest", &packed(&good().write("")))]);
    let long = form(&[("SAMLRequest", &packed(&" ".repeat(300_000)))]);
    for (query, why) in [
        (bare.as_str(), "not signed"),
        (&long, "more than 262144"),
        ("", "SAMLRequest"),
    ] {
        let page = world.browse(&mut jar, &format!("{to}?{query}")).await;
        assert!(page.status == 400 && page.text.contains(why), "{why}: {}", page.text);
    }
    let bare = STANDARD.encode(good().write(""));
    assert_eq!(world.submit(&mut jar, &to, &[("SAMLRequest", &bare)]).await.status, 400);
    // What was signed once is good for nothing around it.
    let inner = good().named("_inner");
    let genuine = String::from_utf8(STANDARD.decode(inner.post(&key)).unwrap()).unwrap();
    let signature = between(&genuine, "<ds:Signature", "</ds:Signature>").unwrap();
    let signature = format!("<ds:Signature{signature}</ds:Signature>");
    for (around, within, why) in [
        ("", genuine, "not signed"),
        (
            signature.as_str(),
            inner.write(""),
            "not over the element that it is in",
        ),
    ] {
        let mut outer = good().named("_outer");
        outer.within = format!("<samlp:Extensions>{within}</samlp:Extensions>{}", outer.within);
        let message = STANDARD.encode(outer.write(around));
        let page = world.submit(&mut jar, &to, &[("SAMLRequest", &message)]).await;
        assert!(
            page.status == 400 && plain(&page.text).contains(why),
            "{why}: {}",
            page.text
        );
    }
    // Somebody else, another session, and what another application was told: told so, and nothing ends.
    let second = world.tell(&anna, SECOND).await;
    for (at, (name, index)) in [
        ("someone", index.as_str()),
        (name.as_str(), "_other"),
        (second.0.as_str(), second.1.as_str()),
        (second.0.as_str(), index.as_str()),
    ]
    .into_iter()
    .enumerate()
    {
        let leave = Leave::request(APP, &to, (name, index)).named(&format!("_u{at}"));
        let page = world.browse(&mut jar, &format!("{to}?{}", leave.query(&key))).await;
        let (place, text, _) = carried(&page, "SAMLResponse");
        assert_eq!(place, "https://app.test/slo");
        assert!(text.contains("UnknownPrincipal"), "{text}");
    }
    // What is of one organisation is not there in another.
    let elsewhere = world.saml.sign_out_place_of_provider(world.other);
    let leave = Leave {
        destination: elsewhere.clone(),
        ..good()
    };
    let page = world
        .browse(&mut jar, &format!("{elsewhere}?{}", leave.query(&key)))
        .await;
    assert!(
        page.status == 400 && page.text.contains("is not registered"),
        "{}",
        page.text
    );
    for path in ["/sso/saml/999/sign-out", "/sso/saml/x/slo", "/sso/saml/1/slo"] {
        let page = world.browse(&mut jar, &format!("{path}?{}", good().query(&key))).await;
        assert!((400..500).contains(&page.status), "{path}: {}", page.status);
    }
    // What is sealed is good for nothing else, and nothing else for it.
    for note in ["", "x", "AAAA"] {
        let page = world
            .browse(&mut jar, &format!("{LEAVE_PATH}?{}", form(&[("note", note)])))
            .await;
        assert_eq!(page.status, 403, "{note}");
    }
    assert!(world.is_signed_in(&anna).await && jar.token.is_some());
    // The truth, once.
    let query = good().named("_truth").query(&key);
    let page = world.browse(&mut jar, &format!("{to}?{query}")).await;
    assert!(!world.is_signed_in(&anna).await, "{}", page.text);
    let page = world.browse(&mut jar, &format!("{to}?{query}")).await;
    assert!(
        page.status == 400 && page.text.contains("shown before"),
        "{}",
        page.text
    );
    // Whoever is signed in no more has nothing to be ended.
    let page = world
        .browse(&mut jar, &format!("{to}?{}", good().named("_late").query(&key)))
        .await;
    let (_, text, _) = carried(&page, "SAMLResponse");
    assert!(text.contains("status:Success\"/>"), "{text}");
}

#[tokio::test]
async fn api_2_all_sessions_that_an_application_was_told_of_end_when_it_names_none() {
    let world = World::new().await;
    let key = Key::make();
    world
        .connect(joined("app", APP, &key, place("https://app.test/slo", false)))
        .await;
    world
        .connect(joined("second", SECOND, &key, place("https://second.test/slo", false)))
        .await;
    let (one, two) = (
        world.sign_in("anna@example.test").await,
        world.sign_in("anna@example.test").await,
    );
    let three = world.sign_in("anna@example.test").await;
    let (name, _) = world.tell(&one, APP).await;
    world.tell(&two, APP).await;
    world.tell(&two, SECOND).await;
    let mut jar = Jar::of(one.clone());
    let leave = Leave::request(APP, &world.sign_out(), (&name, "")).query(&key);
    let page = world.browse(&mut jar, &format!("{}?{leave}", world.sign_out())).await;
    // The other browser's session at the second application is not in this one's reach.
    assert!(
        page.text.contains("may still be signed in") && page.text.contains("App second"),
        "{}",
        page.text
    );
    assert!(!world.is_signed_in(&one).await && !world.is_signed_in(&two).await);
    assert!(world.is_signed_in(&three).await);
    let page = world.submit(&mut jar, LEAVE_PATH, &[("step", "read")]).await;
    assert!(carried(&page, "SAMLResponse").1.contains("PartialLogout"));
}

/// Otto of the other organisation, signed in there by Anna, who is at ours: what her browser and his keep.
async fn two_organisations(world: &World) -> (Jar, Jar) {
    let described = world
        .saml
        .read_application(&world.saml.metadata(world.other).await.unwrap());
    let described = described.unwrap();
    assert!(described.sign_out.is_some() && !described.certificates.is_empty());
    world
        .connect(Application {
            consumers: described.consumers,
            certificates: described.certificates,
            sign_out: described.sign_out,
            ..application("mail", &described.entity_id)
        })
        .await;
    let metadata = world.get(None, &world.saml.provider_places(world.acme).0, "").await;
    let change = ProviderChange {
        settings: ProviderSettings {
            provider: world.saml.read_metadata(&metadata.text).unwrap(),
            label: "Acme".to_owned(),
            mail_attribute: Some("mail".to_owned()),
            name_attribute: None,
            admission: Admission {
                link_by_mail: false,
                create_members: false,
                vouches_second_factor: false,
            },
        },
        expect: None,
    };
    assert!(change.settings.provider.sign_out.is_some());
    world
        .saml
        .set_provider(&world.directory, world.other, &change)
        .await
        .unwrap();
    let (anna, otto) = (
        world.sign_in("anna@example.test").await,
        world.sign_in("otto@other.test").await,
    );
    let mut arrived = None;
    // He links his account by hand first, and comes by it then.
    for token in [Some(&otto), None] {
        let lead = match token {
            Some(_) => world.send(token, "/sso/start", &[("return", "/linked")]).await,
            None => world.get(None, "/sso/start?organisation=Other&return=/mail", "").await,
        };
        let kept = lead.cookies[0].split(';').next().unwrap().to_owned();
        let to = between(&lead.text, "<a href=\"", "\"").unwrap();
        let taken = world.get(Some(&anna), &to, "").await;
        let answered = world.get(Some(&anna), &taken.location, "").await;
        let (place, response) = answered.post().unwrap();
        let taken = world.send(None, &place, &[("SAMLResponse", &response)]).await;
        arrived = Some(world.get(token, &taken.location, &kept).await);
    }
    let otto = arrived.unwrap().token();
    assert!(world.is_signed_in(&otto).await);
    (Jar::of(anna), Jar::of(otto))
}

#[tokio::test]
async fn api_2_our_own_client_and_our_own_provider_sign_out_together() {
    // The last one takes the provider's request to another browser: its word for the session is enough.
    for (begun_there, is_elsewhere) in [(false, false), (true, false), (true, true)] {
        let world = World::new().await;
        let (mut anna, mut otto) = two_organisations(&world).await;
        let tokens = [anna.token.clone().unwrap(), otto.token.clone().unwrap()];
        let (first, second) = match begun_there {
            true => (&mut anna, &mut otto),
            false => (&mut otto, &mut anna),
        };
        let page = world.submit(first, "/sso/logout", &[]).await;
        assert!(first.token.is_none());
        let to = between(&page.text, "<a href=\"", "\"").unwrap();
        let (place, _, _) = carried(&page, "SAMLRequest");
        let (provider, client) = (world.sign_out(), world.saml.registration(world.other).sign_out_address);
        assert_eq!(place, if begun_there { client.clone() } else { provider.clone() });
        if is_elsewhere {
            second.token = None;
        }
        let page = world.browse(second, &to).await;
        assert!(second.token.is_none(), "{}", page.text);
        let (place, text, _) = carried(&page, "SAMLResponse");
        assert_eq!(place, if begun_there { provider } else { client });
        assert!(text.contains("status:Success\"/>"), "{text}");
        let to = between(&page.text, "<a href=\"", "\"").unwrap();
        let page = world.browse(first, &to).await;
        assert!(
            page.status == 200 && page.text.contains("You are signed out"),
            "{}",
            page.text
        );
        for token in &tokens {
            assert!(!world.is_signed_in(token).await);
        }
    }
}

#[tokio::test]
async fn api_2_limits_of_applications_and_keys_are_those_of_the_configuration() {
    let options = SamlOptions {
        applications_max: 2,
        keys_max: 2,
        session_applications_max: 1,
        ..SamlOptions::default()
    };
    let world = World::with(options).await;
    let key = Key::make();
    world
        .connect(joined("second", SECOND, &key, place("https://second.test/slo", false)))
        .await;
    let change = ApplicationChange {
        application: application("third", "https://third.test"),
        expect: None,
    };
    let refused = world.saml.set_application(&world.directory, world.acme, &change).await;
    let text = format!("{refused:?}");
    assert!(text.contains("saml_applications_max"), "{text}");
    // Another organisation has a number of its own.
    world
        .saml
        .set_application(&world.directory, world.other, &change)
        .await
        .unwrap();
    world.saml.make_key(&world.directory, world.acme).await.unwrap();
    let refused = world.saml.make_key(&world.directory, world.acme).await;
    assert!(format!("{refused:?}").contains("saml_keys_max"), "{refused:?}");
    // Of two applications, the one that was told last is told of the end.
    let anna = world.sign_in("anna@example.test").await;
    world.tell(&anna, APP).await;
    world.tell(&anna, SECOND).await;
    let session = world.access.web_session(anna.reveal(), PEER).await.unwrap();
    assert_eq!(world.saml.session_parties(&session).await.unwrap().len(), 1);
    let mut jar = Jar::of(anna);
    let page = world.submit(&mut jar, "/sso/logout", &[]).await;
    assert_eq!(carried(&page, "SAMLRequest").0, "https://second.test/slo");
}
