//! Keeps sign-in and sessions true while other nodes change the directory: looks at every change, forgets what it touched,
//! ends the sessions that may not go on, and takes over locks.

use std::collections::BTreeSet;
use std::time::Duration;

use hongyan_directory::{Changed, Follower};
use hongyan_kv::Watch;
use hongyan_types::{AccountId, TenantId};

use crate::notice::{self, Notice};
use crate::{Access, AccessError, Revocation};

/// Time between two removals of counts that no longer count.
const SWEEP_PERIOD: Duration = Duration::from_secs(3600);

/// How far this node has followed, and what it still has to look at because looking failed.
pub(crate) struct Following {
    follower: Follower,
    accounts: BTreeSet<AccountId>,
    tenants: BTreeSet<TenantId>,
    everything: bool,
}

impl Following {
    pub(crate) fn new(follower: Follower) -> Self {
        Self {
            follower,
            accounts: BTreeSet::new(),
            tenants: BTreeSet::new(),
            everything: false,
        }
    }
}

impl Access {
    /// Follows the directory, for ever. Whoever starts a node spawns it once.
    pub async fn follow(self) {
        let env = self.0.env.clone();
        let period = self.0.directory.options().look_period;
        let mut sweep_due = 0;
        let mut failing = false;
        loop {
            let looked = self.look().await;
            if let Err(error) = &looked
                && !failing
            {
                tracing::warn!(event = "directory_not_followed", %error, "what is remembered is soon not trusted");
            }
            failing = looked.is_err();
            let changed = async {
                let ended = match looked {
                    Ok((_, watch)) => watch.await.is_ok(),
                    Err(_) => false,
                };
                if !ended {
                    // The next look comes with the period.
                    std::future::pending::<()>().await;
                }
            };
            let _ = env.timeout(period, changed).await;
            self.0.sessions.end_expired(env.wall_millis());
            self.write_logins().await;
            if !failing && env.now_micros() >= sweep_due {
                self.judge_all().await;
                self.sweep_failures().await;
                self.sweep_web_sessions().await;
                self.sweep_oauth().await;
                self.sweep_passkeys().await;
                let pause = u64::try_from(SWEEP_PERIOD.as_micros()).unwrap_or(u64::MAX);
                sweep_due = env.now_micros().saturating_add(pause);
            }
        }
    }

    /// Looks at what changed and does what follows from it. Gives the number of sessions that had to end, and a watch for
    /// the next change.
    pub(crate) async fn look(&self) -> Result<(usize, Watch), AccessError> {
        let mut following = self.0.following.lock().await;
        let (changed, watch) = following.follower.look().await?;
        let Changed {
            everything,
            accounts,
            tenants,
            notices,
        } = changed;
        following.everything |= everything;
        following.accounts.extend(accounts);
        following.tenants.extend(tenants);
        let mut ended = 0;
        for (version, notice) in notices {
            ended += self.take_notice(version, &notice);
        }
        ended += self.settle(&mut following).await?;
        Ok((ended, watch))
    }

    async fn settle(&self, following: &mut Following) -> Result<usize, AccessError> {
        if following.everything {
            self.load_locks().await?;
            self.check_grants().await?;
            following.accounts.extend(self.0.sessions.accounts());
            following.everything = false;
        }
        while let Some(tenant) = following.tenants.first().copied() {
            following.accounts.extend(self.0.sessions.accounts_of(tenant));
            following.tenants.remove(&tenant);
        }
        let mut ended = 0;
        while let Some(account) = following.accounts.first().copied() {
            ended += self.account_changed_here(account).await?;
            following.accounts.remove(&account);
        }
        Ok(ended)
    }

    fn take_notice(&self, version: u64, stored: &[u8]) -> usize {
        match notice::decode(stored) {
            Ok(Notice::Locked {
                guarded,
                until_wall_millis,
            }) => {
                self.lock_here(guarded, until_wall_millis);
                0
            }
            Ok(Notice::WebEnded { account, id }) => {
                self.web_session_ended(account, id);
                0
            }
            Ok(Notice::ApprovalAsked { account }) => {
                self.0.bells.ring_here(account);
                0
            }
            Ok(Notice::GrantEnded { account, id }) => {
                self.grant_ended(account, id);
                0
            }
            Ok(Notice::Ended { filter, nodes }) => {
                let here = self.0.elsewhere.get().map(super::Elsewhere::node);
                if !here.is_some_and(|here| nodes.contains(&here)) {
                    return 0;
                }
                let ended = self.0.sessions.revoke(filter, |standing| {
                    (standing.version < version).then_some(Revocation::Operator)
                });
                tracing::info!(event = "sessions_revoked", ?filter, ended);
                ended
            }
            Err(error) => {
                tracing::warn!(%error, "a notice of another release is not understood");
                0
            }
        }
    }
}
