//! Grants: how they begin, are used, renewed, looked at and ended.

use std::net::IpAddr;

use hongyan_audit::{Chain, Event};
use hongyan_directory::{AccountRecord, Directory, Error, Login};
use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::record::{self, AccessTokenRecord, Giver, GrantRecord, Hash, SignInRecord};
use super::token::{self, Named, TokenView};
use super::{GrantKey, OauthClient, OauthError, OauthGrant, Scope, SignIn, Tokens};
use crate::identity::{Proof, standing_of};
use crate::login_log::{Attempt, Way};
use crate::notice::{self, Notice};
use crate::permission::Actor;
use crate::{Access, AccessError, Identity, Protocol, Revocation, SessionFilter};

/// Access tokens of a grant that are good at the same time.
const ACCESS_TOKENS_MAX: usize = 4;
/// Refresh tokens of a grant that are known to have been used.
const SPENT_MAX: u32 = 1_000;
/// Time after which a further use is noted.
const USED_MILLIS: i64 = 300_000;
/// Records swept in one transaction.
const STEP: usize = 200;

/// Random octets for the next two tokens: drawn before the transaction, which may run more than once.
struct Draw {
    access: [u8; 32],
    refresh: [u8; 32],
}

/// What a grant begins with.
pub(super) struct Begin<'b> {
    pub(super) id: u64,
    pub(super) giver: &'b Giver,
    pub(super) scope: Scope,
    pub(super) sign_in: Option<SignInRecord>,
}

enum Refreshed {
    Good(Box<Tokens>),
    Bad,
    Replayed,
}

impl Access {
    fn draw(&self) -> Draw {
        Draw {
            access: token::random(self),
            refresh: token::random(self),
        }
    }

    /// Gives a grant its next two tokens.
    fn renew(&self, key: GrantKey, grant: &mut GrantRecord, scope: &Scope, draw: &Draw) -> Tokens {
        let (now, options) = (self.now().millis, &self.0.options);
        grant.generation += 1;
        let access = token::access_text(key, &draw.access);
        let refresh = token::refresh_text(key, grant.generation, &draw.refresh);
        grant.refresh = token::hash(self, "refresh", refresh.reveal());
        grant.access.retain(|token| token.end_millis > now);
        if grant.access.len() >= ACCESS_TOKENS_MAX {
            grant.access.remove(0);
        }
        grant.access.push(AccessTokenRecord {
            hash: token::hash(self, "access", access.reveal()),
            end_millis: now.saturating_add(token::millis(options.oauth_access_secs)),
            scope: scope.to_string(),
        });
        grant.used_millis = now;
        grant.end_millis = now.saturating_add(token::millis(options.oauth_grant_idle_secs));
        Tokens {
            access,
            access_secs: options.oauth_access_secs,
            refresh,
            scope: scope.clone(),
            account: key.account,
            nonce: None,
            sign_in: grant.sign_in.as_ref().map(|known| SignIn {
                proved: Timestamp {
                    millis: known.proved_millis,
                },
                by_two: known.by_two,
            }),
        }
    }

    /// Begins a grant; those used least lately make room.
    pub(super) async fn new_grant(
        &self,
        begun: Begin<'_>,
        client: &OauthClient,
        peer: IpAddr,
    ) -> Result<Tokens, OauthError> {
        let Begin {
            id,
            giver,
            scope,
            sign_in,
        } = begun;
        let account = AccountId(giver.account);
        let login = self.0.directory.login_of(account).await?;
        let login = login
            .filter(|login| is_theirs(login, &giver.credential))
            .ok_or(OauthError::InvalidGrant)?;
        let (key, now) = (GrantKey { account, id }, self.now().millis);
        let mut grant = GrantRecord {
            tenant: giver.tenant,
            client: client.id.clone(),
            client_name: client.name.clone(),
            scope: scope.to_string(),
            credential: giver.credential,
            created_millis: now,
            used_millis: now,
            end_millis: now,
            peer: peer.to_canonical().to_string(),
            generation: 0,
            refresh: [0; 32],
            access: Vec::new(),
            sign_in,
        };
        let tokens = self.renew(key, &mut grant, &scope, &self.draw());
        let (address, tenant) = (login.account.address.to_string(), login.account.tenant);
        let max = self.0.options.oauth_grants_per_account_max.max(1);
        let event = Event::new("member.add-oauth-grant", &address)
            .id(account.0)
            .with("client", &client.id)
            .with("scope", &scope);
        let begin = async move |change: &mut hongyan_directory::Change| {
            let mut present = read_grants(change, account).await?;
            present.sort_unstable_by_key(|(key, grant)| (grant.used_millis, key.id));
            let surplus = (present.len() + 1).saturating_sub(max);
            for (key, grant) in present.iter().take(surplus) {
                record::clear_grant(change, *key, grant);
                change.notify(ended(*key));
            }
            record::write_grant(change, key, &grant, None);
            change.record(Chain::Tenant(tenant), event.clone());
            Ok(())
        };
        let author = Actor::member(&login.account, Some(peer), None).author();
        self.0.directory.acting(author, None).announce(begin).await?;
        Ok(tokens)
    }

    /// A client shows its refresh token for the next two, for `wanted` or what it had.
    ///
    /// # Errors
    /// `InvalidGrant`, also when the token was shown before: then the grant ends; `InvalidScope`; the store's.
    pub async fn oauth_refresh(&self, client: &str, shown: &str, wanted: Option<&str>) -> Result<Tokens, OauthError> {
        let client = self.oauth_client(client).await?;
        let Some(Named::Refresh(key, generation)) = token::read(shown) else {
            return Err(OauthError::InvalidGrant);
        };
        let hash = token::hash(self, "refresh", shown);
        let login = self
            .0
            .directory
            .login_of(key.account)
            .await?
            .ok_or(OauthError::InvalidGrant)?;
        let wanted = match wanted.filter(|wanted| !wanted.trim().is_empty()) {
            Some(wanted) => Some(Scope::read(wanted).ok_or(OauthError::InvalidScope)?),
            None => None,
        };
        let (this, draw, now) = (self.clone(), self.draw(), self.now().millis);
        let refresh = async move |transaction: &mut Transaction| {
            let Some(mut grant) = read_grant(transaction, key).await? else {
                return Ok(Ok(Refreshed::Bad));
            };
            if grant.client != client.id || !is_theirs(&login, &grant.credential) || grant.end_millis <= now {
                return Ok(Ok(Refreshed::Bad));
            }
            if blake3::Hash::from(grant.refresh) != blake3::Hash::from(hash) {
                let spent = transaction.get(&record::spent_key(key, generation)).await?;
                let is_spent = spent.is_some_and(|spent| spent[..] == hash);
                return Ok(Ok(if is_spent { Refreshed::Replayed } else { Refreshed::Bad }));
            }
            let granted = Scope::read(&grant.scope).filter(|scope| scope.is_within(&client.scope));
            let scope = match (&wanted, granted) {
                (None, Some(granted)) => granted,
                (Some(wanted), Some(granted)) if wanted.is_within(&granted) => wanted.clone(),
                _ => return Ok(Err(OauthError::InvalidScope)),
            };
            let before = grant.end_millis;
            transaction.set(record::spent_key(key, grant.generation), hash.to_vec());
            if let Some(old) = grant.generation.checked_sub(SPENT_MAX) {
                transaction.clear(&record::spent_key(key, old));
            }
            let tokens = this.renew(key, &mut grant, &scope, &draw);
            record::write_grant(transaction, key, &grant, Some(before));
            Ok::<_, hongyan_kv::Error>(Ok(Refreshed::Good(Box::new(tokens))))
        };
        match self.0.database.run(refresh).await?? {
            Refreshed::Good(tokens) => Ok(*tokens),
            Refreshed::Bad => Err(OauthError::InvalidGrant),
            Refreshed::Replayed => {
                self.end_replayed(key, "refresh token").await?;
                Err(OauthError::InvalidGrant)
            }
        }
    }

    /// Verifies an access token that is shown to `protocol`, by somebody who says to be `user`.
    ///
    /// # Errors
    /// Each way of not being let in.
    pub async fn verify_token(
        &self,
        protocol: Protocol,
        shown: &str,
        user: Option<&str>,
        peer: IpAddr,
    ) -> Result<Identity, AccessError> {
        let (login, outcome) = match self.token_login(shown, user).await {
            Ok((login, key, grant, access)) => {
                let outcome = self.admit_token((protocol, peer), &login, key, &grant, &access).await;
                (Some(login), outcome)
            }
            Err(error) => (None, Err(error)),
        };
        if let Some(login) = &login {
            let name = user.map_or_else(|| login.account.address.to_string(), str::to_owned);
            let attempt = Attempt {
                account: &login.account,
                name: &name,
                protocol,
                way: Way::Token,
                peer,
                client: "",
            };
            self.log_login(&attempt, outcome.as_ref().err());
        }
        self.count_outcome(protocol, outcome.as_ref().err());
        outcome
    }

    /// Whose the token is, if it is one; nobody is told why it is none.
    pub(super) async fn token_login(
        &self,
        shown: &str,
        user: Option<&str>,
    ) -> Result<(Login, GrantKey, GrantRecord, AccessTokenRecord), AccessError> {
        let Some(Named::Access(key)) = token::read(shown) else {
            return Err(AccessError::BadCredentials);
        };
        let (grant, login) = self.live_grant(key).await?.ok_or(AccessError::BadCredentials)?;
        let hash = blake3::Hash::from(token::hash(self, "access", shown));
        let mut known = grant.access.iter();
        let access = known.find(|token| hash == token.hash).cloned();
        let access = access.ok_or(AccessError::BadCredentials)?;
        if let Some(user) = user
            && self.0.directory.login(user).await?.map(|named| named.id()) != Some(key.account)
        {
            return Err(AccessError::BadCredentials);
        }
        Ok((login, key, grant, access))
    }

    /// A grant with whoever gave it, if it still holds.
    async fn live_grant(&self, key: GrantKey) -> Result<Option<(GrantRecord, Login)>, AccessError> {
        let mut transaction = self.0.database.begin();
        let stored = transaction.get_snapshot(&record::grant_key(key)).await;
        let Some(stored) = stored.map_err(Error::from)? else {
            return Ok(None);
        };
        let grant: GrantRecord = record::decode(&stored).map_err(Error::from)?;
        let login = self.0.directory.login_of(key.account).await?;
        let login = login.filter(|login| is_same(login, &grant.credential));
        let holds = grant.end_millis > self.now().millis;
        Ok(login.filter(|_| holds).map(|login| (grant, login)))
    }

    async fn admit_token(
        &self,
        way: (Protocol, IpAddr),
        login: &Login,
        key: GrantKey,
        grant: &GrantRecord,
        access: &AccessTokenRecord,
    ) -> Result<Identity, AccessError> {
        let now = self.now().millis;
        if access.end_millis <= now {
            return Err(AccessError::Expired);
        }
        let scope = Scope::read(&access.scope).ok_or(AccessError::BadCredentials)?;
        let proof = Proof::Grant {
            id: key.id,
            credential: grant.credential,
            read_only: scope.read_only,
            until_millis: grant.end_millis,
        };
        let name = login.account.address.to_string();
        let identity = self.admit(way, &name, login, proof).await?;
        if !scope.protocols.contains(&way.0) {
            return Err(AccessError::NotInScope(way.0));
        }
        if now.saturating_sub(grant.used_millis) >= USED_MILLIS {
            self.note_grant_use(key, way.1).await;
        }
        Ok(identity)
    }

    /// Failing to is no reason to refuse anybody.
    async fn note_grant_use(&self, key: GrantKey, peer: IpAddr) {
        let now = self.now().millis;
        let note = async move |transaction: &mut Transaction| {
            if let Some(mut grant) = read_grant(transaction, key).await? {
                grant.used_millis = grant.used_millis.max(now);
                grant.peer = peer.to_canonical().to_string();
                record::write_grant(transaction, key, &grant, None);
            }
            Ok::<_, hongyan_kv::Error>(())
        };
        if let Err(error) = self.0.database.run(note).await {
            tracing::debug!(%error, "the use of an OAuth grant is not noted");
        }
    }

    /// What a token is good for; nothing when it is good for nothing (RFC 7662 §2.2).
    ///
    /// # Errors
    /// The store's.
    pub async fn oauth_introspect(&self, shown: &str) -> Result<Option<TokenView>, AccessError> {
        let Some(named) = token::read(shown) else {
            return Ok(None);
        };
        let Some((grant, login)) = self.live_grant(named.grant()).await? else {
            return Ok(None);
        };
        let now = self.now().millis;
        let (scope, end_millis) = match named {
            Named::Access(_) => {
                let hash = blake3::Hash::from(token::hash(self, "access", shown));
                let found = grant.access.iter().find(|token| hash == token.hash);
                let Some(found) = found.filter(|token| token.end_millis > now) else {
                    return Ok(None);
                };
                (found.scope.clone(), found.end_millis)
            }
            Named::Refresh(..) => {
                if blake3::Hash::from(token::hash(self, "refresh", shown)) != grant.refresh {
                    return Ok(None);
                }
                (grant.scope.clone(), grant.end_millis)
            }
        };
        let account = &login.account;
        Ok(Scope::read(&scope).filter(|_| login.active).map(|scope| TokenView {
            is_refresh: matches!(named, Named::Refresh(..)),
            tenant: account.tenant,
            account: account.id,
            subject: account.subject(),
            username: account.address.to_string(),
            client: grant.client,
            scope,
            end: Timestamp { millis: end_millis },
        }))
    }

    /// A client gives a token back: the whole grant ends (RFC 7009 §2.1). One that is good for nothing is no error.
    ///
    /// # Errors
    /// `InvalidGrant` when it is another client's; the store's.
    pub async fn oauth_give_back(&self, client: &str, shown: &str) -> Result<(), OauthError> {
        let Some(view) = self.oauth_introspect(shown).await? else {
            return Ok(());
        };
        if view.client != client {
            return Err(OauthError::InvalidGrant);
        }
        let Some(named) = token::read(shown) else { return Ok(()) };
        let Some(account) = self.0.directory.account(view.account).await? else {
            return Ok(());
        };
        let author = Actor::member(&account, None, None).author();
        let directory = self.0.directory.acting(author, None);
        match self.end_grant(&directory, &account, named.grant().id).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The clients that an account has let in, the one used last at the end.
    ///
    /// # Errors
    /// The store's.
    pub async fn oauth_grants(&self, account: AccountId) -> Result<Vec<OauthGrant>, AccessError> {
        let now = self.now().millis;
        let login = self.0.directory.login_of(account).await?;
        let read = async move |transaction: &mut Transaction| read_grants(transaction, account).await;
        let mut found = self.0.database.run(read).await.map_err(Error::from)?;
        let holds = |grant: &GrantRecord| login.as_ref().is_some_and(|login| is_same(login, &grant.credential));
        found.retain(|(_, grant)| grant.end_millis > now && holds(grant));
        found.sort_unstable_by_key(|(key, grant)| (grant.used_millis, key.id));
        let at = |millis| Timestamp { millis };
        let view = |(key, grant): (GrantKey, GrantRecord)| {
            Some(OauthGrant {
                id: key.id,
                tenant: TenantId(grant.tenant),
                client: grant.client,
                client_name: grant.client_name,
                scope: Scope::read(&grant.scope)?,
                created: at(grant.created_millis),
                used: at(grant.used_millis),
                peer: grant.peer,
                end: at(grant.end_millis),
            })
        };
        Ok(found.into_iter().filter_map(view).collect())
    }

    /// Takes back what an account has granted: its tokens and sessions end on all nodes.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn end_grant(&self, directory: &Directory, account: &AccountRecord, id: u64) -> Result<(), Error> {
        let key = GrantKey {
            account: account.id,
            id,
        };
        let event = Event::new("member.remove-oauth-grant", &account.address).id(account.id.0);
        self.clear_grant(directory, key, account.tenant, event).await
    }

    /// What was good once was shown twice.
    pub(super) async fn end_replayed(&self, key: GrantKey, what: &str) -> Result<(), OauthError> {
        let Some(account) = self.0.directory.account(key.account).await? else {
            return Ok(());
        };
        tracing::warn!(event = "oauth_replay", account = key.account.0, what, "the grant ends");
        let event = Event::new("member.oauth-replay", &account.address)
            .id(account.id.0)
            .with("shown_twice", what);
        match self.clear_grant(&self.0.directory, key, account.tenant, event).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn clear_grant(
        &self,
        directory: &Directory,
        key: GrantKey,
        tenant: TenantId,
        event: Event,
    ) -> Result<(), Error> {
        let clear = async move |change: &mut hongyan_directory::Change| {
            let grant = read_grant(change, key).await?.ok_or_else(|| Error::NotFound {
                what: "OAuth grant",
                name: format!("{:016x}", key.id),
            })?;
            record::clear_grant(change, key, &grant);
            change.notify(ended(key));
            change.record(Chain::Tenant(tenant), event.clone().with("client", &grant.client));
            Ok(())
        };
        directory.announce(clear).await?;
        self.grant_ended(key.account, key.id);
        Ok(())
    }

    /// A grant is gone: what this node does for it ends.
    pub(crate) fn grant_ended(&self, account: AccountId, grant: u64) {
        self.0.sessions.revoke(SessionFilter::Account(account), |standing| {
            let is_it = matches!(standing.proof, Proof::Grant { id, .. } if id == grant);
            is_it.then_some(Revocation::Withdrawn)
        });
    }

    /// Ends the sessions of this node whose grants are gone: for when notices of that may have been missed.
    pub(crate) async fn check_grants(&self) -> Result<(), AccessError> {
        for (account, id) in self.0.sessions.grants() {
            if self.live_grant(GrantKey { account, id }).await?.is_none() {
                self.grant_ended(account, id);
            }
        }
        Ok(())
    }

    /// Removes what is over. Safe on many nodes at once.
    pub(crate) async fn sweep_oauth(&self) {
        let now = u64::try_from(self.now().millis).unwrap_or(0);
        let sweep = async move |transaction: &mut Transaction| {
            let mut range = record::ends().range();
            range.end = record::ends().int(now).pack();
            let query = RangeQuery {
                limit: STEP,
                ..RangeQuery::all(range)
            };
            let pairs = transaction.get_range_all(query).await?;
            for pair in &pairs {
                sweep_one(transaction, &pair.key).await?;
                transaction.clear(&pair.key);
            }
            Ok::<_, hongyan_kv::Error>(pairs.len())
        };
        loop {
            match self.0.database.run(sweep).await {
                Ok(swept) if swept == STEP => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, "OAuth grants are not swept; it is tried again");
                    return;
                }
            }
        }
    }
}

async fn sweep_one(transaction: &mut Transaction, key: &[u8]) -> hongyan_kv::Result<()> {
    let ends = record::ends();
    let Ok(mut reader) = ends.reader(key) else {
        return Ok(());
    };
    let (Ok(_), Ok(kind)) = (reader.int::<u64>(), reader.string()) else {
        return Ok(());
    };
    if kind == "grant" {
        if let (Ok(account), Ok(id)) = (reader.int::<u64>(), reader.int::<u64>()) {
            let account = AccountId(account);
            let key = GrantKey { account, id };
            if let Some(grant) = read_grant(transaction, key).await? {
                record::clear_grant(transaction, key, &grant);
            }
        }
        return Ok(());
    }
    let hash = reader.bytes().ok().and_then(|hash| Hash::try_from(hash.as_ref()).ok());
    let Some(hash) = hash else { return Ok(()) };
    match kind.as_str() {
        "code" => transaction.clear(&record::code_key(&hash)),
        "device" => {
            if let Some(stored) = transaction.get(&record::device_key(&hash)).await? {
                let device: record::DeviceRecord = record::decode(&stored)?;
                transaction.clear(&record::user_code_key(&device.user_code));
                transaction.clear(&record::device_key(&hash));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether the password is still the one, whatever else has become of the account.
fn is_same(login: &Login, credential: &[u8; 16]) -> bool {
    standing_of(login) == *credential
}

/// Likewise, and the account works.
pub(super) fn is_theirs(login: &Login, credential: &[u8; 16]) -> bool {
    login.active && is_same(login, credential)
}

fn ended(key: GrantKey) -> bytes::Bytes {
    notice::encode(&Notice::GrantEnded {
        account: key.account,
        id: key.id,
    })
}

async fn read_grant(transaction: &mut Transaction, key: GrantKey) -> hongyan_kv::Result<Option<GrantRecord>> {
    let stored = transaction.get(&record::grant_key(key)).await?;
    Ok(stored.map(|stored| record::decode(&stored)).transpose()?)
}

async fn read_grants(
    transaction: &mut Transaction,
    account: AccountId,
) -> hongyan_kv::Result<Vec<(GrantKey, GrantRecord)>> {
    let prefix = record::grants(account.0);
    let query = RangeQuery {
        mode: ReadMode::Serializable,
        ..RangeQuery::all(prefix.range())
    };
    let mut grants = Vec::new();
    for pair in transaction.get_range_all(query).await? {
        let corrupt = |_| hongyan_kv::Error::Corrupt("key of an OAuth grant".to_owned());
        let mut reader = prefix.reader(&pair.key).map_err(corrupt)?;
        let id = reader.int::<u64>().map_err(corrupt)?;
        grants.push((GrantKey { account, id }, record::decode(&pair.value)?));
    }
    Ok(grants)
}
