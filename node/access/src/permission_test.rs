use hongyan_types::{AccountId, TenantId};

use super::*;

const OURS: TenantId = TenantId(1);
const MEMBERS_OF_5: &[DepartmentId] = &[DepartmentId(5)];

fn person(role: Option<Role>) -> Actor {
    Actor::Person(Person {
        tenant: OURS,
        account: AccountId(7),
        address: "a@b.test".to_owned(),
        role,
        from: None,
        scopes: None,
    })
}

fn delegated(functions: &[Function], departments: &[DepartmentId]) -> Actor {
    person(Some(Role::Delegated {
        functions: functions.to_vec(),
        departments: departments.to_vec(),
    }))
}

fn actors() -> Vec<(&'static str, Actor)> {
    vec![
        ("operator", Actor::socket()),
        ("creator", person(Some(Role::Creator))),
        ("super", person(Some(Role::Super))),
        ("members", delegated(&[Function::Members], &[])),
        ("members-of-5", delegated(&[Function::Members], MEMBERS_OF_5)),
        ("groups", delegated(&[Function::Groups], &[])),
        ("nobody", person(None)),
    ]
}

/// One letter an object: the organisation's list, one in department 5, one elsewhere, one of another organisation, an
/// administrator in 5, the creator in 5, the installation. `Y` all, `y` part, `-` refused, `h` hidden.
fn row(actor: &Actor, action: Action) -> String {
    let within = [DepartmentId(5), DepartmentId(2)];
    let other = [DepartmentId(3)];
    let objects = [
        Object::organisation(OURS),
        Object::one(OURS, &within),
        Object::one(OURS, &other),
        Object::one(TenantId(2), &within),
        Object::one(OURS, &within).with_role(Some(&Role::Super)),
        Object::one(OURS, &within).with_role(Some(&Role::Creator)),
        Object::installation(),
    ];
    let letters = objects.iter().map(|object| match permit(actor, action, object) {
        Ok(Reach::Organisation) => 'Y',
        Ok(Reach::Departments(_)) => 'y',
        Err(Refusal::Needs(_) | Refusal::Scope(_)) => '-',
        Err(Refusal::Hidden) => 'h',
    });
    letters.collect()
}

#[test]
fn adm_7_to_9_role_by_action_by_object() {
    let mut table = String::new();
    for action in Action::ALL {
        let cells: Vec<_> = actors().iter().map(|(_, actor)| row(actor, action)).collect();
        table.push_str(&format!("{:22} {}\n", format!("{action:?}"), cells.join(" ")));
    }
    // Columns: operator creator super members members-of-5 groups nobody.
    let operator = "YYYYYYY ---h--- ---h--- ---h--- ---h--- ---h--- ---h---";
    let only_creator = "YYYYYYY YYYhYY- ---h--- ---h--- ---h--- ---h--- ---h---";
    let full = "YYYYYYY YYYhYY- YYYhYY- ---h--- ---h--- ---h--- ---h---";
    let full_not_over_creator = "YYYYYYY YYYhYY- YYYhY-- ---h--- ---h--- ---h--- ---h---";
    let read_members = "YYYYYYY YYYhYY- YYYhYY- YYYhYY- yyhhyy- ---h--- ---h---";
    let change_members = "YYYYYYY YYYhYY- YYYhYY- YYYh--- yyhh--- ---h--- ---h---";
    let control_members = "YYYYYYY YYYhYY- YYYhY-- YYYh--- yyhh--- ---h--- ---h---";
    let read_groups = "YYYYYYY YYYhYY- YYYhYY- ---h--- ---h--- YYYhYY- ---h---";
    let change_groups = "YYYYYYY YYYhYY- YYYhYY- ---h--- ---h--- YYYh--- ---h---";
    let expect = [
        ("ManageOrganisations", operator),
        ("ReadOrganisation", full),
        ("ChangeOrganisation", full),
        ("HandOver", only_creator),
        ("TakeOver", operator),
        ("ReadRoles", full),
        ("ChangeRoles", full_not_over_creator),
        ("ReadSignInPolicy", full),
        ("ChangeSignInPolicy", full),
        ("ReadDomains", full),
        ("ChangeDomains", full),
        ("ReadStructure", read_members),
        ("ChangeDepartments", change_members),
        ("ChangeTags", full),
        ("ReadMembers", read_members),
        ("ChangeMembers", change_members),
        ("ControlMembers", control_members),
        ("ReadFactors", read_members),
        ("ChangeFactors", operator),
        ("ChangeDelegations", operator),
        ("ResetFactors", control_members),
        ("ReadPreferences", operator),
        ("ChangePreferences", operator),
        ("LeaveMailbox", operator),
        ("ReadSentMails", control_members),
        ("RecallMails", control_members),
        ("CleanMails", control_members),
        ("ReadSessions", read_members),
        ("EndSessions", control_members),
        ("ReadScim", read_members),
        ("ChangeScim", change_members),
        ("ReadMigrations", read_members),
        ("ChangeMigrations", change_members),
        ("ReadGroups", read_groups),
        ("ChangeGroups", change_groups),
        ("ReadShared", read_groups),
        ("ChangeShared", change_groups),
        ("ReadAudit", full),
        ("ReadChanges", full),
        ("ReadTokens", full),
        ("ChangeTokens", full_not_over_creator),
        ("ReadWebhooks", full),
        ("ChangeWebhooks", full),
        ("ManageOauthClients", operator),
        ("ReadOauthTokens", full),
        ("ManageQueue", operator),
        ("ManageCluster", operator),
        ("ReadInstallationAudit", operator),
    ];
    let expect: String = expect
        .iter()
        .map(|(action, row)| format!("{action:22} {row}\n"))
        .collect();
    assert_eq!(table, expect);
}

#[test]
fn auth_everyone_changes_their_own_factors_and_nobody_elses() {
    let own = Object::one(OURS, &[]).of(AccountId(7));
    let other = Object::one(OURS, &[]).of(AccountId(8));
    let foreign = Object::one(TenantId(2), &[]).of(AccountId(7));
    for (name, actor) in actors() {
        for action in [Action::ReadFactors, Action::ChangeFactors, Action::ResetFactors] {
            assert!(permit(&actor, action, &own).is_ok(), "{name} {action:?}");
        }
        let is_operator = name == "operator";
        assert_eq!(
            permit(&actor, Action::ChangeFactors, &other).is_ok(),
            is_operator,
            "{name}"
        );
        assert_eq!(
            permit(&actor, Action::ChangeFactors, &foreign).is_ok(),
            is_operator,
            "{name}"
        );
        // What is not about oneself is not one's own.
        assert_eq!(
            permit(&actor, Action::ControlMembers, &own).is_ok(),
            permit(&actor, Action::ControlMembers, &other).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn api_a_token_is_held_to_its_scopes() {
    let token = |scopes: &[&str]| {
        Actor::Person(Person {
            tenant: OURS,
            account: AccountId(7),
            address: "a@b.test".to_owned(),
            role: Some(Role::Super),
            from: None,
            scopes: Some(TokenScopes {
                token: 3,
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            }),
        })
    };
    let check = |scopes: &[&str], action, expect: bool| {
        let object = Object::organisation(OURS);
        assert_eq!(
            permit(&token(scopes), action, &object).is_ok(),
            expect,
            "{scopes:?} {action:?}"
        );
    };
    check(&["members:read"], Action::ReadMembers, true);
    check(&["members:read"], Action::ChangeMembers, false);
    check(&["members:write"], Action::ReadMembers, true);
    check(&["members:write"], Action::ReadAudit, false);
    check(&[], Action::ReadMembers, false);
    check(&["queue:write"], Action::ManageQueue, false);
}

#[test]
fn every_action_that_changes_needs_a_scope_to_write() {
    for action in Action::ALL {
        assert_eq!(action.scope().ends_with(":write"), action.is_change(), "{action:?}");
    }
}
