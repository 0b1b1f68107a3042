use serde_json::json;

use super::*;
use crate::{ENTERPRISE_USER, USER};

fn user() -> Object {
    let user = json!({
        "id": "7",
        "userName": "anna@Acme.test",
        "displayName": "Anna Lee",
        "active": true,
        "emails": [
            {"value": "anna@acme.test", "type": "work", "primary": true},
            {"value": "a@far.test", "type": "home"},
        ],
        "meta": {"created": "2026-05-13T04:42:34Z"},
        ENTERPRISE_USER.id: {"department": "Research"},
    });
    user.as_object().unwrap().clone()
}

fn check(text: &str, expect: bool) {
    let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    filter.check(&USER).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(filter.matches(&USER, &user()), expect, "{text}");
    let again: Filter = filter.to_string().parse().unwrap();
    assert_eq!(again, filter, "{text} is written {filter}");
}

#[test]
fn org_14_filters_of_rfc_7644() {
    check("userName eq \"ANNA@acme.TEST\"", true);
    check("id eq \"7\"", true);
    check("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"anna\"", true);
    check("title pr", false);
    check("not (title pr) and active eq true", true);
    check("displayName co \"lee\" or title eq \"x\" and active eq false", true);
    check("(displayName co \"lee\" or title eq \"x\") and active eq false", false);
    check("emails[type eq \"work\" and value co \"@acme.test\"]", true);
    check("emails[type eq \"home\" and value co \"@acme.test\"]", false);
    check("emails eq \"a@far.test\"", true);
    check("emails.type eq \"other\"", false);
    check("emails.type ne \"other\"", true);
    check("meta.created ge \"2026-01-01T00:00:00Z\"", true);
    check(
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department EQ \"research\"",
        true,
    );
    check("nickName eq null", true);
    check("displayName eq \"quote \\\" and ) bracket\"", false);
}

#[test]
fn org_14_filters_that_mean_nothing_are_refused() {
    for text in [
        "",
        "userName",
        "userName eq",
        "userName is \"x\"",
        "userName eq x",
        "userName eq \"x",
        "(userName pr",
        "userName pr) and",
        "userName pr or",
        "emails[type pr",
        "9x eq \"y\"",
        "userName eq {}",
    ] {
        let refused = text.parse::<Filter>().unwrap_err();
        assert_eq!(refused.scim_type, Some(ScimType::InvalidFilter), "{text}");
    }
    for text in [
        "password eq \"x\"",
        "password pr",
        "nobody pr",
        "emails.nothing pr",
        "active gt true",
        "active eq \"true\"",
        "userName[value eq \"x\"]",
        "emails[userName pr]",
        "name eq \"x\"",
    ] {
        let filter: Filter = text.parse().unwrap();
        let refused = filter.check(&USER).unwrap_err();
        assert_eq!(refused.scim_type, Some(ScimType::InvalidFilter), "{text}");
        assert!(!filter.matches(&USER, &user()) || filter.check(&USER).is_err());
    }
    let deep = format!("{}title pr{}", "(".repeat(40), ")".repeat(40));
    assert!(deep.parse::<Filter>().is_err());
}

#[test]
fn org_14_what_a_filter_finds_at_once() {
    let filter: Filter = "emails[type eq \"work\" and value eq \"a@b.test\"] and active eq true"
        .parse()
        .unwrap();
    assert_eq!(filter.wanted("emails.value"), Some("a@b.test"));
    assert_eq!(filter.wanted("username"), None);
    let either: Filter = "userName eq \"a\" or userName eq \"b\"".parse().unwrap();
    assert_eq!(either.wanted("username"), None);
}

#[test]
fn what_a_filter_needs_is_told_and_no_more() {
    let part = |text: &str, attribute: &str| {
        let filter: Filter = text.parse().unwrap();
        filter.wanted_part(attribute).map(str::to_owned)
    };
    for operator in ["co", "sw", "ew", "eq", "CO"] {
        let text = format!("active eq true and userName {operator} \"An\"");
        assert_eq!(part(&text, "username").as_deref(), Some("An"));
    }
    assert_eq!(part("emails[value co \"a\"]", "emails.value").as_deref(), Some("a"));
    for other in [
        "userName ne \"An\"",
        "userName gt \"An\"",
        "not (userName co \"An\")",
        "userName co \"An\" or active eq true",
        "userName pr",
    ] {
        assert_eq!(part(other, "username"), None, "{other}");
    }
    let truth = |text: &str| text.parse::<Filter>().unwrap().wanted_truth("active");
    assert_eq!(truth("active eq false"), Some(false));
    assert_eq!(truth("userName pr and active eq true"), Some(true));
    for other in ["active ne false", "not (active eq true)", "active eq null", "active pr"] {
        assert_eq!(truth(other), None, "{other}");
    }
}
