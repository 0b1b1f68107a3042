//! Changes what proves an account beside its password.

use hongyan_audit::Event;
use hongyan_types::{AccountId, Timestamp};

use super::{check_limit, need_account, plan, record_account, touch_account};
use crate::record::{factors, terms};
use crate::{
    AcceptedTerms, AccountRecord, AppPassword, Change, DirectoryOptions, Error, Factors, FactorsChange, Limit,
    LimitLevel, Passkey, Result, TotpKey, key,
};

pub(crate) async fn run(
    transaction: &mut Change,
    id: AccountId,
    change: &FactorsChange,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<Factors> {
    let account = need_account(transaction, id).await?;
    let stored = transaction.get(&key::factors(id)).await?;
    let before = match &stored {
        Some(stored) => factors::decode(stored)?,
        None => Factors::default(),
    };
    if matches!(change, FactorsChange::AddAppPassword { .. }) {
        let bounds = plan::bounds(transaction, account.tenant, now).await?;
        let present = before.app_passwords.len() as u64;
        let limit = Limit::AppPasswordsPerAccountMax;
        let own = account.limits.get(&limit).copied();
        let in_force = bounds.of(limit, options).tightened(own, LimitLevel::Member);
        in_force.check(present)?;
    }
    match change {
        FactorsChange::Phone(number) => {
            bind_phone(transaction, &account, before.phone.as_ref(), number.as_ref()).await?
        }
        FactorsChange::AcceptTerms(accepted) => check_terms(transaction, &account, *accepted).await?,
        _ => {}
    }
    let mut factors = before.clone();
    let (action, details) = apply(&mut factors, change)?;
    if before != factors {
        transaction.set(key::factors(id), factors::encode(&factors));
        touch_account(transaction, &account);
        let event = Event::new(action, &account.address);
        let event = details
            .into_iter()
            .fold(event, |event, (field, value)| event.with(field, value));
        record_account(transaction, &account, event);
    }
    Ok(factors)
}

/// A phone belongs to one account of a tenant; nobody is told to whom.
async fn bind_phone(
    transaction: &mut Change,
    account: &AccountRecord,
    before: Option<&String>,
    after: Option<&String>,
) -> Result<()> {
    if let Some(number) = after {
        let key = key::phone(number, account.tenant);
        if let Some(stored) = transaction.get(&key).await? {
            let other = AccountId(super::read_int(&stored)?);
            // Whoever has it no more, or is gone, gave it up.
            let theirs = transaction.get(&key::factors(other)).await?;
            let theirs = theirs.map(|stored| factors::decode(&stored)).transpose()?;
            if other != account.id && theirs.is_some_and(|theirs| theirs.phone.as_ref() == Some(number)) {
                let text = "this phone number is bound already in your organisation";
                return Err(Error::Refused(text.to_owned()));
            }
        }
        transaction.set(key, account.id.0.to_le_bytes().to_vec());
    }
    if let Some(number) = before.filter(|number| Some(*number) != after) {
        transaction.clear(&key::phone(number, account.tenant));
    }
    Ok(())
}

async fn check_terms(transaction: &mut Change, account: &AccountRecord, accepted: AcceptedTerms) -> Result<()> {
    if accepted.of.is_some_and(|of| of != account.tenant) {
        return Err(Error::not_found("terms", accepted.version));
    }
    let stored = transaction.get(&key::terms(accepted.of)).await?;
    let present = stored.map(|stored| terms::decode(&stored)).transpose()?;
    match present {
        Some(present) if present.is_asked() && present.version == accepted.version => Ok(()),
        _ => Err(Error::Refused("these are not the present terms: read those".to_owned())),
    }
}

/// The word of the audit log, and what it says of the change.
type Told = (&'static str, Vec<(&'static str, String)>);

fn apply(factors: &mut Factors, change: &FactorsChange) -> Result<Told> {
    match change {
        FactorsChange::AddAppPassword { password, max } => {
            let used = u64::try_from(factors.app_passwords.len()).unwrap_or(u64::MAX);
            check_limit("app_passwords_per_account_max", *max, used)?;
            factors.last_app_password += 1;
            let mut password = AppPassword::clone(password);
            password.id = factors.last_app_password;
            let protocols: Vec<_> = password.protocols.iter().map(|protocol| protocol.label()).collect();
            let details = vec![
                ("number", password.id.to_string()),
                ("name", password.name.clone()),
                ("protocols", protocols.join(" ")),
                ("read_only", password.read_only.to_string()),
            ];
            factors.app_passwords.push(password);
            Ok(("member.add-app-password", details))
        }
        FactorsChange::RemoveAppPassword(id) => {
            let place = factors.app_passwords.iter().position(|password| password.id == *id);
            let place = place.ok_or_else(|| Error::not_found("app password", id))?;
            let removed = factors.app_passwords.remove(place);
            let details = vec![("number", id.to_string()), ("name", removed.name)];
            Ok(("member.remove-app-password", details))
        }
        FactorsChange::SecureLogin(on) => {
            factors.secure_login = *on;
            Ok(("member.secure-login", vec![("on", on.to_string())]))
        }
        FactorsChange::MustChange(must) => {
            factors.must_change = *must;
            Ok(("member.must-change-password", vec![("must", must.to_string())]))
        }
        FactorsChange::Rule(rule) => {
            super::set_sign_in_policy::check_entries(&rule.networks)?;
            let rule = rule.clone();
            let details = vec![
                ("closed", format!("{:?}", rule.closed)),
                ("networks", format!("{:?}", rule.networks)),
                ("secure_login", rule.secure_login.to_string()),
            ];
            factors.rule = rule;
            Ok(("member.sign-in-rule", details))
        }
        other => apply_second(factors, other),
    }
}

/// What becomes of the second factor.
fn apply_second(factors: &mut Factors, change: &FactorsChange) -> Result<Told> {
    let action = match change {
        FactorsChange::OfferTotp(key) => {
            factors.pending_totp = Some(key.clone());
            "member.offer-totp"
        }
        FactorsChange::ConfirmTotp {
            offered,
            since,
            recovery_codes,
        } => {
            // Another one may have been offered meanwhile: that one has shown nothing.
            if factors.pending_totp.as_ref() != Some(offered) {
                return Err(Error::Refused(
                    "another authenticator app was offered meanwhile".to_owned(),
                ));
            }
            factors.pending_totp = None;
            factors.totp = Some(TotpKey {
                since: *since,
                ..offered.clone()
            });
            factors.recovery_codes.clone_from(recovery_codes);
            "member.add-totp"
        }
        FactorsChange::RenewRecoveryCodes(codes) => {
            if !factors.has_second_factor() {
                let text = "recovery codes stand in for a second factor: set one up first";
                return Err(Error::Refused(text.to_owned()));
            }
            factors.recovery_codes.clone_from(codes);
            "member.renew-recovery-codes"
        }
        FactorsChange::UseRecoveryCode(hash) => {
            let place = factors.recovery_codes.iter().position(|kept| kept == hash);
            let place = place.ok_or_else(|| Error::not_found("recovery code", "shown"))?;
            factors.recovery_codes.remove(place);
            let left = factors.recovery_codes.len().to_string();
            return Ok(("member.use-recovery-code", vec![("left", left)]));
        }
        FactorsChange::RemoveSecondFactor => {
            factors.totp = None;
            factors.pending_totp = None;
            factors.passkeys.clear();
            factors.sms.clear();
            factors.recovery_codes.clear();
            "member.remove-second-factor"
        }
        FactorsChange::RemoveTotp => {
            if factors.totp.take().is_none() {
                return Err(Error::not_found("authenticator app", "any"));
            }
            factors.pending_totp = None;
            forget_recovery_codes(factors);
            "member.remove-totp"
        }
        FactorsChange::AddPasskey { .. } | FactorsChange::RenamePasskey { .. } | FactorsChange::RemovePasskey(_) => {
            return apply_passkey(factors, change);
        }
        FactorsChange::RecoveryMailbox(_)
        | FactorsChange::Phone(_)
        | FactorsChange::Sms { .. }
        | FactorsChange::AcceptTerms(_) => return apply_reach(factors, change),
        FactorsChange::AddAppPassword { .. }
        | FactorsChange::RemoveAppPassword(_)
        | FactorsChange::SecureLogin(_)
        | FactorsChange::MustChange(_)
        | FactorsChange::Rule(_) => "member.change-factors",
    };
    Ok((action, Vec::new()))
}

/// How somebody is reached outside, and what follows from it.
fn apply_reach(factors: &mut Factors, change: &FactorsChange) -> Result<Told> {
    let shown = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    Ok(match change {
        FactorsChange::RecoveryMailbox(address) => {
            factors.recovery_mailbox.clone_from(address);
            let address = shown(address.as_ref().map(ToString::to_string));
            ("member.recovery-mailbox", vec![("address", address)])
        }
        FactorsChange::Phone(number) => {
            factors.phone.clone_from(number);
            if number.is_none() {
                factors.sms.clear();
                forget_recovery_codes(factors);
            }
            ("member.phone", vec![("number", shown(number.clone()))])
        }
        FactorsChange::Sms { scopes, recovery_codes } => {
            if factors.phone.is_none() && !scopes.is_empty() {
                return Err(Error::Refused("bind a phone first".to_owned()));
            }
            let had = factors.has_second_factor();
            factors.sms.clone_from(scopes);
            if !had && factors.has_second_factor() {
                factors.recovery_codes.clone_from(recovery_codes);
            }
            forget_recovery_codes(factors);
            let scopes: Vec<_> = scopes.iter().map(|scope| scope.label()).collect();
            ("member.sms-codes", vec![("protect", scopes.join(" "))])
        }
        FactorsChange::AcceptTerms(accepted) => {
            factors.accepted.retain(|known| known.of != accepted.of);
            factors.accepted.push(*accepted);
            let of = if accepted.of.is_some() {
                "organisation"
            } else {
                "installation"
            };
            let details = vec![("of", of.to_owned()), ("version", accepted.version.to_string())];
            ("member.accept-terms", details)
        }
        _ => return Err(Error::Refused("this is no change of how to reach somebody".to_owned())),
    })
}

/// Recovery codes stand in for a second factor: without one they are of no use.
fn forget_recovery_codes(factors: &mut Factors) {
    if !factors.has_second_factor() {
        factors.recovery_codes.clear();
    }
}

fn apply_passkey(factors: &mut Factors, change: &FactorsChange) -> Result<Told> {
    let place_of = |factors: &Factors, id: u32| {
        let place = factors.passkeys.iter().position(|passkey| passkey.id == id);
        place.ok_or_else(|| Error::not_found("passkey", id))
    };
    let (action, number, name) = match change {
        FactorsChange::AddPasskey {
            passkey,
            max,
            recovery_codes,
        } => {
            let used = u64::try_from(factors.passkeys.len()).unwrap_or(u64::MAX);
            check_limit("passkeys_per_account_max", *max, used)?;
            if factors
                .passkeys
                .iter()
                .any(|known| known.credential == passkey.credential)
            {
                return Err(Error::Refused("this passkey is registered already".to_owned()));
            }
            if !factors.has_second_factor() {
                factors.recovery_codes.clone_from(recovery_codes);
            }
            factors.last_passkey += 1;
            let mut passkey = Passkey::clone(passkey);
            passkey.id = factors.last_passkey;
            let told = ("member.add-passkey", passkey.id, passkey.name.clone());
            factors.passkeys.push(passkey);
            told
        }
        FactorsChange::RenamePasskey { id, name } => {
            let place = place_of(factors, *id)?;
            factors.passkeys[place].name.clone_from(name);
            ("member.rename-passkey", *id, name.clone())
        }
        FactorsChange::RemovePasskey(id) => {
            let place = place_of(factors, *id)?;
            let removed = factors.passkeys.remove(place);
            forget_recovery_codes(factors);
            ("member.remove-passkey", *id, removed.name)
        }
        _ => return Err(Error::Refused("this is no change of passkeys".to_owned())),
    };
    Ok((action, vec![("number", number.to_string()), ("name", name)]))
}
