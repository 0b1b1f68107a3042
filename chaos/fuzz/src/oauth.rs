//! What clients show with tokens, and the forms of OAuth.

use hongyan_http_oauth::Fields;
use hongyan_sasl::{Client, Credentials, Mechanism, Server, ServerContext, Step};

/// Responses of SASL, a line each: any mechanism takes any bytes; a token that is read is written and read as the same.
pub fn sasl(bytes: &[u8]) {
    for mechanism in Mechanism::ALL {
        let mut server = Server::start(mechanism, ServerContext::default());
        for response in bytes.split(|octet| *octet == b'\n').take(8) {
            let Step::CheckToken(shown) = server.step(response) else {
                continue;
            };
            let credentials = Credentials {
                authzid: None,
                authcid: shown.user.clone().unwrap_or_default(),
                password: shown.token.clone(),
            };
            let client = Client::start(mechanism, credentials, None, [0; 18]);
            let initial = client.ok().and_then(|mut client| client.initial()).unwrap_or_default();
            let mut again = Server::start(mechanism, ServerContext::default());
            assert_eq!(again.step(&initial), Step::CheckToken(shown));
            server.refuse_token();
        }
    }
}

/// Fields of a form or a query: what is read is written and read as the same.
pub fn form(bytes: &[u8]) {
    let Some(fields) = std::str::from_utf8(bytes).ok().and_then(Fields::read) else {
        return;
    };
    let written = fields.write();
    // Escapes take room: what was short enough may not be any more.
    if written.len() <= bytes.len() {
        assert_eq!(Fields::read(&written), Some(fields));
    }
}
