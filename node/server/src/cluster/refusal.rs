//! When the cluster does not want this node, it ends: with the reason, and an exit code that says that starting it again
//! as it is cannot help.

use std::sync::Arc;
use std::time::Duration;

use hongyan_cluster::Member;
use hongyan_env::Env;
use hongyan_identity::CertificateFacts;
use hongyan_metadata::StartError;
use hongyan_transport::{NodeId, PeerStatus, TcpTransport};
use tokio::sync::watch;

/// How often the ways to the other nodes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// For so long this node must be turned away before it believes it: a member whose map is a moment behind does not know a
/// certificate yet, and a node that was killed is missed within seconds.
const BELIEVED_AFTER: Duration = Duration::from_secs(10);

/// Why this node must not run as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// The others say so.
    #[error("the cluster refuses this node: {0}")]
    ByCluster(String),
    /// It finds so itself.
    #[error("this node does not run as it is: {0}")]
    Here(String),
}

/// Makes of what is wrong with this node's part of the agreement what the operator is told.
pub(crate) fn at_start(error: StartError) -> anyhow::Error {
    match error {
        StartError::Damaged(_) | StartError::OtherNode { .. } => Refused::Here(error.to_string()).into(),
        error => error.into(),
    }
}

/// Whether a certificate is good at this time, for a node that has to show it to others.
pub(crate) fn expect_good(now_millis: i64, node: NodeId, facts: &CertificateFacts) -> Result<(), Refused> {
    const DAY_MILLIS: i64 = 24 * 3600 * 1000;
    let text = if now_millis < facts.not_before_millis {
        let days = (facts.not_before_millis - now_millis) / DAY_MILLIS;
        format!(
            "its certificate is good from a time on that is {days} days ahead of this machine's clock: set the clock"
        )
    } else if now_millis > facts.not_after_millis {
        let days = (now_millis - facts.not_after_millis) / DAY_MILLIS;
        format!(
            "its certificate ended {days} days ago by this machine's clock: if the clock is right, let node {node} leave \
             (`hongyan cluster leave {node}` on another node) and join anew with an empty data folder; if not, set the clock"
        )
    } else {
        return Ok(());
    };
    Err(Refused::Here(text))
}

/// Looks for a refusal, for ever, and tells `out`.
pub(crate) async fn watch(env: Env, member: Member, transport: Arc<TcpTransport>, out: watch::Sender<Option<Refused>>) {
    let mut superseded = transport.superseded();
    let text = tokio::select! {
        biased;
        refusal = member.refused() => refusal.to_string(),
        () = superseded_for_good(&env, &member, &mut superseded) => {
            "a later process than this one has run as this node: its disk is a copy or an old backup; join anew with an empty data folder"
                .to_owned()
        }
        text = turned_away(&env, &member, &transport) => text,
    };
    out.send_replace(Some(Refused::ByCluster(text)));
    // The sender stays, and with it what it says.
    std::future::pending().await
}

/// Waits until a later process runs as this node and the leader does not take this one for it any more.
async fn superseded_for_good(env: &Env, member: &Member, superseded: &mut watch::Receiver<bool>) {
    if superseded.wait_for(|superseded| *superseded).await.is_err() {
        return std::future::pending().await;
    }
    while member.ownership().has_lease() {
        env.sleep(LOOK_EVERY).await;
    }
}

/// Waits until this node has been turned away for a while.
async fn turned_away(env: &Env, member: &Member, transport: &TcpTransport) -> String {
    let mut since: Option<u64> = None;
    loop {
        env.sleep(LOOK_EVERY).await;
        let Some(text) = reason(member, transport) else {
            since = None;
            continue;
        };
        let now = env.now_micros();
        let begun = *since.get_or_insert(now);
        if now.saturating_sub(begun) >= u64::try_from(BELIEVED_AFTER.as_micros()).unwrap_or(u64::MAX) {
            return text;
        }
    }
}

/// Why this node is turned away, if it is: nobody confirms that it lives, and somebody says why.
fn reason(member: &Member, transport: &TcpTransport) -> Option<String> {
    if member.ownership().has_lease() {
        return None;
    }
    let others = transport.all_status();
    if are_foreign(&others) {
        let text = "the nodes at the addresses it knows are of another cluster: its folder `cluster` is not theirs; \
                    join anew with an empty data folder";
        return Some(text.to_owned());
    }
    let said = others.into_iter().find_map(|status| status.turned_away);
    said.or_else(|| member.membership().waits_for().map(|refusal| refusal.to_string()))
}

/// Whether most of the other nodes are of another cluster. One of them alone may be somebody else's machine at the address
/// of one that is down.
fn are_foreign(others: &[PeerStatus]) -> bool {
    others.iter().filter(|status| status.is_foreign).count() * 2 > others.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_good_in_its_time_only() {
        let day = 24 * 3600 * 1000;
        let facts = CertificateFacts {
            names: Vec::new(),
            serial: String::new(),
            not_before_millis: 10 * day,
            not_after_millis: 100 * day,
        };
        let check = |now: i64, expect: Option<&str>| {
            let refused = expect_good(now * day, NodeId(3), &facts)
                .err()
                .map(|refused| refused.to_string());
            match expect {
                None => assert_eq!(refused, None),
                Some(words) => assert!(refused.as_ref().is_some_and(|text| text.contains(words)), "{refused:?}"),
            }
        };
        check(10, None);
        check(100, None);
        check(3, Some("7 days ahead of this machine's clock"));
        check(830, Some("ended 730 days ago"));
        check(830, Some("`hongyan cluster leave 3`"));
    }
}
