//! When the cluster does not want this node, it ends: with the reason, and an exit code that says that starting it again
//! as it is cannot help.

use std::sync::Arc;
use std::time::Duration;

use hongyan_cluster::Member;
use hongyan_env::Env;
use hongyan_transport::TcpTransport;
use tokio::sync::watch;

/// How often the ways to the other nodes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// For so long everyone who answers must turn this node away before it believes them: a member whose map is a moment
/// behind does not know a certificate yet, and a node that was killed is missed within seconds.
const BELIEVED_AFTER: Duration = Duration::from_secs(15);

/// Why the cluster does not take this node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cluster refuses this node: {0}")]
pub(crate) struct Refused(pub(crate) String);

/// Looks for a refusal, for ever, and tells `out`.
pub(crate) async fn watch(env: Env, member: Member, transport: Arc<TcpTransport>, out: watch::Sender<Option<Refused>>) {
    let mut superseded = transport.superseded();
    let text = tokio::select! {
        biased;
        refusal = member.refused() => refusal.to_string(),
        Ok(_) = superseded.wait_for(|superseded| *superseded) => {
            "another process has been started as this node: its identity or its data folder was copied".to_owned()
        }
        text = turned_away(&env, &member, &transport) => text,
    };
    out.send_replace(Some(Refused(text)));
    // The sender stays, and with it what it says.
    std::future::pending().await
}

/// Waits until all who answer have turned this node away for a while.
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

/// Why this node is turned away, if it is: nobody confirms that it lives, nobody speaks to it, and somebody says why.
fn reason(member: &Member, transport: &TcpTransport) -> Option<String> {
    if member.ownership().has_lease() {
        return None;
    }
    let ways: Vec<_> = transport.all_status();
    if ways.iter().any(|status| status.is_connected) {
        return None;
    }
    let reasons = ways.into_iter().find_map(|status| status.turned_away);
    reasons.or_else(|| member.membership().waits_for().map(|refusal| refusal.to_string()))
}
