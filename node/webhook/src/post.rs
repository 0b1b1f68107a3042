//! One attempt to hand a delivery over.

use hongyan_env::Env;
use hongyan_sasl::Secret;
use hongyan_types::Timestamp;

use crate::{Attempt, DeliveryRecord, Door, Letter, WebhookRecord, signature};

/// Characters kept of why there was no answer.
const ERROR_CHARACTERS_MAX: usize = 200;

/// A delivery as it is posted at `now`: the receiver finds its id, the time and the signature over time and body.
pub(crate) fn letter(webhook: &WebhookRecord, delivery: &DeliveryRecord, secret: &Secret, now: Timestamp) -> Letter {
    let at_secs = now.millis.div_euclid(1_000);
    let signed = signature(secret.reveal(), at_secs, &delivery.body);
    Letter {
        url: webhook.url.clone(),
        fields: vec![
            ("hongyan-delivery", format!("{}-{}", webhook.id, delivery.number)),
            ("hongyan-timestamp", at_secs.to_string()),
            ("hongyan-signature", format!("v1={signed}")),
        ],
        body: delivery.body.clone(),
    }
}

/// Posts it, and tells what became of that.
pub(crate) async fn post(env: &Env, door: &dyn Door, letter: Letter) -> Attempt {
    let (at_millis, began) = (env.wall_millis(), env.now_micros());
    let answered = door.post(letter).await;
    let (status, error) = match answered {
        Ok(status) => (Some(status), None),
        Err(words) => (None, Some(words.chars().take(ERROR_CHARACTERS_MAX).collect())),
    };
    Attempt {
        at_millis,
        took_millis: env.now_micros().saturating_sub(began) / 1_000,
        status,
        error,
    }
}
