//! The client against servers that keep to nothing.

use super::*;

const LIMITS: ClientLimits = ClientLimits {
    response_octets_max: 100,
    literal_held_octets_max: 10,
};

/// All events, when `input` comes in pieces of so many octets; data put together.
fn events(input: &[u8], piece: usize) -> Vec<ClientEvent> {
    let mut client = Client::with_limits(LIMITS);
    let mut events: Vec<ClientEvent> = Vec::new();
    for part in input.chunks(piece) {
        client.receive(part);
        while let Some(event) = client.poll_event() {
            match (events.last_mut(), event) {
                (Some(ClientEvent::Data(all)), ClientEvent::Data(more)) => all.extend_from_slice(&more),
                (_, event) => events.push(event),
            }
        }
    }
    events
}

fn check(input: &[u8], expect: &[ClientEvent]) {
    for piece in [1, 3, 7, input.len()] {
        assert_eq!(events(input, piece), expect, "pieces of {piece}");
    }
}

#[test]
fn long_literals_are_handed_out_and_short_ones_held() {
    check(
        b"* 1 FETCH (UID 5 BODY[] {12}\r\nHello\r\nWorld FLAGS (\\Seen) X {2}\r\nab)\r\nA1 OK done\r\n",
        &[
            ClientEvent::Literal { octets: 12 },
            ClientEvent::Data(b"Hello\r\nWorld".to_vec()),
            ClientEvent::Untagged(b"1 FETCH (UID 5 BODY[] \"\" FLAGS (\\Seen) X {2}\r\nab)".to_vec()),
            ClientEvent::Tagged("A1".to_owned(), "OK done".to_owned()),
        ],
    );
}

#[test]
fn what_exceeds_a_limit_breaks_the_connection() {
    let broken = ClientEvent::Broken("a response is longer than response_octets_max");
    check(&b"* ".repeat(100), std::slice::from_ref(&broken));
    let many = b"* 1 FETCH (X {10}\r\n0123456789".repeat(20);
    let found = events(&many, many.len());
    assert_eq!(found.last(), Some(&broken), "{found:?}");
    let mut line = b"* OK ".to_vec();
    line.extend_from_slice(&b"x".repeat(200));
    line.extend_from_slice(b"\r\n* 1 EXISTS\r\n");
    let found = events(&line, line.len());
    assert_eq!(found, [broken], "nothing follows");
}
