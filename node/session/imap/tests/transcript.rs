//! Each file in `transcript/` is a conversation with a node, over up to three connections, already logged in.
//! `C: ` is said by the first client and `S: ` heard by it, `C2: ` and `S2: ` belong to the second. `[..]` in what is
//! heard stands for anything. `@ deliver SUBJECT` puts a mail into INBOX.

mod support;

use std::collections::HashMap;

use hongyan_env::Stream;
use support::{Client, Node, Options};

fn matches(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.split("[..]");
    let Some(mut rest) = line.strip_prefix(pieces.next().unwrap_or("")) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

async fn run(name: &str, text: &str) {
    let node = Node::start(Options::default()).await;
    let mut clients: HashMap<&str, Client<Stream>> = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{name}:{}", number + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(subject) = line.strip_prefix("@ deliver ") {
            node.deliver(subject).await;
            continue;
        }
        let (who, what) = line.split_once(':').expect(&place);
        let what = what.strip_prefix(' ').unwrap_or(what);
        let client = &who[1..];
        if !clients.contains_key(client) {
            clients.insert(client, node.login().await);
        }
        let connection = clients.get_mut(client).unwrap();
        if who.starts_with('C') {
            connection.send(format!("{what}\r\n").as_bytes()).await;
        } else {
            let heard = connection.line().await;
            assert!(matches(what, &heard), "{place}\n expected {what}\n    heard {heard}");
        }
    }
    drop(clients);
    node.stop().await;
}

macro_rules! transcripts {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                let name = concat!(stringify!($name), ".txt");
                let text = include_str!(concat!("transcript/", stringify!($name), ".txt"));
                hongyan_actor::run(0, run(name, text));
            }
        )*

        #[test]
        fn every_file_is_run() {
            let files = std::fs::read_dir("tests/transcript").unwrap().count();
            assert_eq!(files, [$(stringify!($name)),*].len());
        }
    };
}

transcripts!(
    append,
    condstore,
    copy_move,
    fetch,
    first_mail_after_an_empty_folder,
    folders,
    list,
    login,
    notices,
    qresync,
    quota,
    replace,
    search,
    sort_thread,
    store,
);
