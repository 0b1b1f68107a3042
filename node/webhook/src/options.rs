//! Limits of webhooks, as settings.

use std::time::Duration;

use hongyan_types::AddressRanges;

/// Named limits.
#[derive(Debug, Clone)]
pub struct WebhookOptions {
    /// Webhooks of a tenant.
    pub webhooks_per_tenant_max: usize,
    /// Deliveries kept of a webhook.
    pub deliveries_kept_max: u64,
    /// How long a receiver may take.
    pub within: Duration,
    /// The first pause after a failure; each further one is twice as long.
    pub retry_pause_min: Duration,
    /// The longest pause.
    pub retry_pause_max: Duration,
    /// A receiver that takes nothing for so long is switched off.
    pub off_after: Duration,
    /// How often a node looks whether there is something to post.
    pub look_period: Duration,
    /// How often it looks though nothing seems to have changed.
    pub fallback_period: Duration,
    /// Posts at the same time from one node.
    pub posts_max: usize,
    /// Internal networks that may be posted to, also without TLS.
    pub networks: AddressRanges,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            webhooks_per_tenant_max: 20,
            deliveries_kept_max: 50,
            within: Duration::from_secs(10),
            retry_pause_min: Duration::from_secs(10),
            retry_pause_max: Duration::from_secs(2 * 3_600),
            off_after: Duration::from_secs(24 * 3_600),
            look_period: Duration::from_millis(500),
            fallback_period: Duration::from_secs(10),
            posts_max: 64,
            networks: AddressRanges::default(),
        }
    }
}
