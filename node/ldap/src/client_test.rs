use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

use super::*;

/// What the lying server does with each request, in turn.
#[derive(Clone)]
enum Say {
    /// These octets; `@` in the place of the message's number.
    Octets(Vec<u8>),
    /// This answer again and again.
    Endless(Vec<u8>),
    /// Nothing, for ever.
    Hang,
    /// The end.
    HangUp,
}

/// The octets of an answer: number, tag and body.
fn answer(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut inner = vec![2, 1, b'@', tag, 0x82];
    inner.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    inner.extend_from_slice(body);
    let mut whole = vec![0x30, 0x82];
    whole.extend(u16::try_from(inner.len()).unwrap().to_be_bytes());
    whole.extend(inner);
    whole
}

/// An outcome of that code.
fn outcome(tag: u8, code: u8) -> Vec<u8> {
    answer(tag, &[0x0a, 1, code, 4, 0, 4, 2, b'n', b'o'])
}

/// An entry of that name, without attributes.
fn entry(name: &str) -> Vec<u8> {
    let mut body = vec![4, u8::try_from(name.len()).unwrap()];
    body.extend_from_slice(name.as_bytes());
    body.extend([0x30, 0]);
    answer(0x64, &body)
}

/// The end of a page, with a cookie.
fn page_end(cookie: &[u8]) -> Vec<u8> {
    let mut value = vec![
        0x30,
        u8::try_from(cookie.len() + 5).unwrap(),
        2,
        1,
        0,
        4,
        u8::try_from(cookie.len()).unwrap(),
    ];
    value.extend_from_slice(cookie);
    let mut control = vec![4, 22];
    control.extend_from_slice(b"1.2.840.113556.1.4.319");
    control.extend([4, u8::try_from(value.len()).unwrap()]);
    control.extend(value);
    let mut controls = vec![0x30, u8::try_from(control.len()).unwrap()];
    controls.extend(control);
    let mut inner = vec![
        2,
        1,
        b'@',
        0x65,
        7,
        0x0a,
        1,
        0,
        4,
        0,
        4,
        0,
        0xa0,
        u8::try_from(controls.len()).unwrap(),
    ];
    inner.extend(controls);
    let mut whole = vec![0x30, u8::try_from(inner.len()).unwrap()];
    whole.extend(inner);
    whole
}

/// `@` stands where the number does: no test's other octets are one.
fn numbered(octets: &[u8], id: u8) -> Vec<u8> {
    octets
        .iter()
        .map(|octet| if *octet == b'@' { id } else { *octet })
        .collect()
}

fn serve(mut stream: DuplexStream, says: Vec<Say>) -> JoinHandle<()> {
    tokio::spawn(async move {
        for (id, say) in (1..).zip(says) {
            let mut asked = vec![0; 4_096];
            if stream.read(&mut asked).await.unwrap_or(0) == 0 {
                return;
            }
            match say {
                Say::Octets(octets) => {
                    let _ = stream.write_all(&numbered(&octets, id)).await;
                }
                Say::Endless(octets) => while stream.write_all(&numbered(&octets, id)).await.is_ok() {},
                Say::Hang => std::future::pending().await,
                Say::HangUp => return,
            }
        }
        // Whoever asks for more waits.
        std::future::pending().await
    })
}

fn options() -> LdapOptions {
    LdapOptions {
        entries_max: 10,
        octets_max: 10_000,
        answer_octets_max: 1_000,
        ..LdapOptions::default()
    }
}

async fn search(says: Vec<Say>, options: &LdapOptions) -> Result<Found, LdapError> {
    let (ours, theirs) = tokio::io::duplex(256);
    let server = serve(theirs, says);
    let filter = Filter::read("(a=*)").unwrap();
    let query = Query {
        base: "dc=x",
        filter: &filter,
        attributes: &[],
        first_page: false,
    };
    let found = Connection::new(ours, options).search(&query).await;
    server.abort();
    found
}

#[tokio::test]
async fn org_14_all_pages_are_read() {
    let first = [entry("cn=a"), entry("cn=b"), page_end(b"more")].concat();
    let second = [answer(0x73, &[4, 1, b'u']), entry("cn=c"), page_end(b"")].concat();
    let found = search(vec![Say::Octets(first), Say::Octets(second)], &options())
        .await
        .unwrap();
    let names: Vec<&str> = found.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["cn=a", "cn=b", "cn=c"]);
    assert!(!found.more);
    // A server that knows no pages sends all at once.
    let all = [entry("cn=a"), outcome(0x65, 0)].concat();
    assert_eq!(
        search(vec![Say::Octets(all)], &options()).await.unwrap().entries.len(),
        1
    );
}

#[tokio::test]
async fn org_14_a_directory_that_lies_is_not_believed() {
    let check = async |says: Vec<Say>, expect: &str| {
        let error = search(says, &options()).await.unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    check(
        vec![Say::Endless(entry("cn=a"))],
        "the LDAP directory has more than ldap.entries_max entries (10); nothing was done",
    )
    .await;
    check(
        vec![Say::Endless(answer(0x73, &[4, 1, b'u']))],
        "the LDAP directory answers with more than ldap.octets_max octets (10000); nothing was done",
    )
    .await;
    check(
        vec![Say::Octets(b"\x30\x84\x7f\xff\xff\xff".to_vec())],
        "the LDAP directory's answer has more than ldap.answer_octets_max octets (1000); nothing was done",
    )
    .await;
    check(
        vec![Say::Octets(page_end(b"more")); 30],
        "the LDAP directory sends pages without entries and without end; nothing was done",
    )
    .await;
    check(
        vec![Say::Octets([entry("cn=a"), outcome(0x65, 4)].concat())],
        "the LDAP directory refuses the search: size limit exceeded (4) no",
    )
    .await;
    check(
        vec![Say::Octets(b"HTTP/1.1 400 Bad Request\r\n".to_vec())],
        "what the LDAP directory answers is no LDAP",
    )
    .await;
    check(
        vec![Say::Octets(outcome(0x61, 0))],
        "the LDAP directory answers the search with something else",
    )
    .await;
    check(
        vec![Say::Octets(numbered(&outcome(0x65, 0), 77))],
        "the LDAP directory answers a request with something else",
    )
    .await;
    check(
        vec![Say::Octets(numbered(&outcome(0x78, 52), 0))],
        "the LDAP directory has hung up: it says so",
    )
    .await;
    check(vec![Say::HangUp], "the LDAP directory has hung up: without a word").await;
}

#[tokio::test]
async fn an_answer_nested_without_end_costs_nothing() {
    // Tens of thousands of sequences, each in the other: what is not understood is not looked into.
    let deep = b"\x30\x80".repeat(200);
    let body = answer(0x64, &deep);
    let error = search(vec![Say::Octets(body)], &options()).await.unwrap_err();
    assert!(matches!(error, LdapError::Malformed), "{error}");
}

async fn proves(say: Say, name: &str, password: &str) -> Result<bool, LdapError> {
    let (ours, theirs) = tokio::io::duplex(256);
    let server = serve(theirs, vec![say]);
    let options = options();
    let proved = Connection::new(ours, &options)
        .proves(name, &Secret::new(password))
        .await;
    server.abort();
    proved
}

#[tokio::test]
async fn a_bind_proves_a_password() {
    let good = || Say::Octets(outcome(0x61, 0));
    assert!(proves(good(), "cn=a", "right").await.unwrap());
    assert!(!proves(Say::Octets(outcome(0x61, 49)), "cn=a", "wrong").await.unwrap());
    // RFC 4513 §5.1.2: a bind without a password succeeds, and proves nothing.
    assert!(!proves(good(), "cn=a", "").await.unwrap());
    assert!(!proves(good(), "", "right").await.unwrap());
    let busy = proves(Say::Octets(outcome(0x61, 51)), "cn=a", "right")
        .await
        .unwrap_err();
    assert_eq!(busy.to_string(), "the LDAP directory refuses the bind: busy (51) no");
}

#[tokio::test(start_paused = true)]
async fn org_14_a_directory_that_hangs_is_left() {
    let options = options();
    let searching = search(vec![Say::Hang], &options);
    let env = hongyan_env::Env::real();
    // The clock of the test runs ahead as soon as all wait.
    let left = env.timeout(options.read_within, searching).await;
    assert!(left.is_none());
}

#[tokio::test]
async fn what_came_before_tls_is_refused() {
    let started = async |octets: Vec<u8>| {
        let (ours, theirs) = tokio::io::duplex(256);
        let server = serve(theirs, vec![Say::Octets(octets)]);
        let options = options();
        let started = Connection::new(ours, &options).start_tls().await;
        server.abort();
        started.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(started(outcome(0x78, 0)).await, Ok(()));
    let sneaked = [outcome(0x78, 0), outcome(0x61, 0)].concat();
    assert_eq!(
        started(sneaked).await,
        Err("the LDAP directory answers STARTTLS with something else".to_owned())
    );
    assert_eq!(
        started(outcome(0x78, 52)).await,
        Err("the LDAP directory refuses STARTTLS: unavailable (52) no".to_owned())
    );
}
