use super::*;
use proptest::prelude::*;

/// Renders a list as `name|route|local|domain`, groups as `{name` and `}`.
fn render(items: &[AddressItem]) -> Vec<String> {
    items
        .iter()
        .map(|item| match item {
            AddressItem::Mailbox(m) => format!(
                "{}|{}|{}|{}",
                m.name.as_deref().unwrap_or("-"),
                m.route.as_deref().unwrap_or("-"),
                m.local,
                m.domain.as_deref().unwrap_or("-")
            ),
            AddressItem::GroupStart(name) => format!("{{{name}"),
            AddressItem::GroupEnd => "}".to_owned(),
        })
        .collect()
}

fn check(text: &str, expect: &[&str]) {
    assert_eq!(render(&parse_list(text)), expect, "{text}");
}

#[test]
fn reads_mailboxes() {
    check("anna@example.test", &["-|-|anna|example.test"]);
    check("Anna Lee <anna@example.test>", &["Anna Lee|-|anna|example.test"]);
    check(
        "\"Lee, Anna\" <anna@example.test>, bob@b.test (Bob)",
        &["Lee, Anna|-|anna|example.test", "Bob|-|bob|b.test"],
    );
    check("\"a b@c\"@d.test", &["-|-|a b@c|d.test"]);
    check(
        "Anna  \r\n Lee\t<anna @ example . test>",
        &["Anna Lee|-|anna|example.test"],
    );
    check("<@a.test,@b.test:anna@c.test>", &["-|@a.test,@b.test|anna|c.test"]);
    check("x@[IPv6:::1]", &["-|-|x|[IPv6:::1]"]);
    check(
        "=?utf-8?q?J=C3=B6rg?= <j@x.test>",
        &["=?utf-8?q?J=C3=B6rg?=|-|j|x.test"],
    );
    check("用户 <用户@例子.测试>", &["用户|-|用户|例子.测试"]);
}

#[test]
fn reads_groups() {
    check(
        "A Group:Ed <ed@x.test>,joe@y.test;, Zoe <z@z.test>",
        &["{A Group", "Ed|-|ed|x.test", "-|-|joe|y.test", "}", "Zoe|-|z|z.test"],
    );
    check("undisclosed-recipients:;", &["{undisclosed-recipients", "}"]);
    check("open: a@b.test", &["{open", "-|-|a|b.test", "}"]);
}

#[test]
fn reads_broken_lists() {
    check("", &[]);
    check(",, ,", &[]);
    check("just words", &["-|-|just words|-"]);
    check("<>", &[]);
    check("Anna <>", &["Anna|-||-"]);
    check("Anna <anna>", &["Anna|-|anna|-"]);
    check("Anna <a@x.test, Bob <b@y.test>", &["Anna|-|a|x.test", "Bob|-|b|y.test"]);
    check("\"unclosed <a@x.test>", &["-|-|unclosed <a@x.test>|-"]);
    check("(only a comment)", &[]);
    check("((((", &[]);
    check("a@b@c.test", &["-|-|a@b|c.test"]);
    check("Anna<a@x.test><b@y.test>", &["Anna|-|a|x.test"]);
    check("a@x.test; b@y.test", &["-|-|a|x.test", "-|-|b|y.test"]);
}

#[test]
fn bounds_the_entries() {
    let many = "a@b.test,".repeat(10_000);
    assert_eq!(parse_list_bounded(&many, 100).len(), 100);
}

#[test]
fn makes_addresses() {
    let items = parse_list("Anna <Anna@Bücher.example>, nobody");
    let address = items[0].to_address().unwrap();
    assert_eq!(address.to_string(), "Anna@xn--bcher-kva.example");
    assert_eq!(items[1].to_address(), None);
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC*") { let _ = parse_list(&text); }
    #[test]
    fn specials_never_panic(text in "[a@<>\"(),:;\\[\\]\\\\ \\.\u{e9}]{0,60}") { let _ = parse_list(&text); }
}
