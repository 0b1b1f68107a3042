//! Folders of several servers, and where they go.

use super::*;

fn listed(attributes: &str, separator: char, name: &str) -> Listed {
    Listed {
        attributes: attributes.split_whitespace().map(str::to_owned).collect(),
        separator: Some(separator),
        name: name.as_bytes().to_vec(),
    }
}

fn room(more: usize) -> Room {
    let paths = ["INBOX", "Drafts", "Sent", "Trash", "Junk", "Archive"];
    Room {
        paths: paths.map(str::to_owned).into(),
        more,
    }
}

fn shown(place: &Place) -> String {
    match place {
        Place::Inbox => "INBOX".to_owned(),
        Place::Use(special_use) => special_use.as_str().to_owned(),
        Place::Path(path) => path.as_str().to_owned(),
    }
}

fn check(folders: &[Listed], namespaces: &Namespaces, more: usize, expect: &[(&str, &str)]) {
    let (mapped, _) = map(folders, namespaces, room(more));
    let found: Vec<_> = mapped
        .iter()
        .map(|mapped| (mapped.shown.clone(), shown(&mapped.to)))
        .collect();
    let expect: Vec<_> = expect
        .iter()
        .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
        .collect();
    assert_eq!(found, expect);
}

#[test]
fn mig_what_the_source_says_counts_before_names() {
    check(
        &[
            listed("\\HasNoChildren", '/', "Sent"),
            listed("\\Sent \\HasNoChildren", '/', "Post/Outgoing"),
            listed("", '/', "Deleted Items"),
            listed("", '/', "INBOX"),
            listed("\\Noselect", '/', "Post"),
        ],
        &Namespaces::default(),
        300,
        &[
            ("INBOX", "INBOX"),
            ("Sent", "Sent"),
            ("Post/Outgoing", "\\Sent"),
            ("Deleted Items", "\\Trash"),
        ],
    );
}

#[test]
fn mig_names_in_utf_7_separators_and_prefixes_are_understood() {
    let namespaces = Namespaces {
        personal: vec![b"INBOX.".to_vec()],
        foreign: vec![b"shared.".to_vec()],
    };
    check(
        &[
            listed("", '.', "INBOX"),
            listed("", '.', "INBOX.&XfJT0ZAB-"),
            listed("", '.', "INBOX.Work.a/b"),
            listed("", '.', "INBOX.Entw&APw-rfe"),
            listed("", '.', "shared.all"),
            listed("", '.', "INBOX.&broken"),
        ],
        &namespaces,
        300,
        &[
            ("INBOX", "INBOX"),
            ("INBOX.已发送", "\\Sent"),
            ("INBOX.Work.a/b", "Work/a-b"),
            ("INBOX.Entwürfe", "\\Drafts"),
            ("INBOX.&broken", "&broken"),
        ],
    );
    let (_, left) = map(&[listed("", '.', "shared.all")], &namespaces, room(300));
    assert_eq!(left[0].0, "shared.all");
}

#[test]
fn mig_all_mail_comes_last_and_views_not_at_all() {
    let folders = [
        listed("\\All", '/', "[Gmail]/All Mail"),
        listed("\\Flagged", '/', "[Gmail]/Starred"),
        listed("", '/', "[Gmail]/Bin"),
        listed("", '/', "inbox"),
    ];
    check(
        &folders,
        &Namespaces::default(),
        300,
        &[
            ("inbox", "INBOX"),
            ("[Gmail]/Bin", "\\Trash"),
            ("[Gmail]/All Mail", "\\Archive"),
        ],
    );
    let (mapped, left) = map(&folders, &Namespaces::default(), room(300));
    assert!(mapped[2].is_of_all);
    assert_eq!(left.len(), 1);
}

#[test]
fn fld_6_what_is_too_deep_or_too_many_is_flattened_and_told() {
    let deep = (1..=12).map(|level| level.to_string()).collect::<Vec<_>>().join("/");
    let folders = [
        listed("", '/', &deep),
        listed("", '/', "1/other"),
        listed("", '/', "new"),
        listed("", '/', "1/2"),
    ];
    let (mapped, _) = map(&folders, &Namespaces::default(), room(10));
    let notes: Vec<_> = mapped.iter().map(|mapped| mapped.note.as_deref()).collect();
    assert_eq!(
        notes,
        [
            Some("deeper than 10 levels: kept as 1/2/3/4/5/6/7/8/9/10 - 11 - 12"),
            Some("there is no room for more folders: kept in 1"),
            Some("there is no room for more folders: kept in Archive"),
            None,
        ]
    );
}

#[test]
fn mig_hostile_names_are_no_harm() {
    let folders = [
        listed("", '/', ""),
        listed("", '/', "////"),
        listed("", '/', &"x".repeat(100_000)),
        listed("", '/', &"a/".repeat(50_000)),
        Listed {
            attributes: Vec::new(),
            separator: None,
            name: vec![0xff, 0, b'\r', b'\n'],
        },
    ];
    let (mapped, _) = map(&folders, &Namespaces::default(), room(300));
    assert_eq!(mapped.len(), folders.len());
}
