//! Mail that comes back to a group it went out through: a member elsewhere forwards it to the group again.
//!
//! Every copy that leaves through a group carries a mark of the group, as Delivered-To would be (RFC 9228), but keyed: it
//! tells nobody to which groups a message went, and nobody else can make one. A marked message that arrives for the same
//! group has been to all its members and goes to none again; the sender, who did nothing wrong, gets no report. Someone
//! who sends it on by hand puts Resent fields before the mark (RFC 5322 §3.6.6), and is let through. Circles without
//! any mark end by the number of Received fields.

use hongyan_kv::tuple::Tuple;
use hongyan_kv::{Error, Transaction};
use hongyan_message::header;
use hongyan_telemetry::counter;

use crate::{Delivery, DeliveryRecipient, Target};

/// The field with the mark.
const FIELD: &str = "Hongyan-Expanded";

/// What a message's header says about the groups it is for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LoopMarks {
    /// Fields to add to it: the marks of its groups that have members elsewhere.
    pub header: String,
    /// Recipients, by index, that it went out through before.
    pub returned: Vec<usize>,
}

impl Delivery {
    /// Looks a message's header over, and marks it for its groups.
    ///
    /// # Errors
    /// When the key of marks cannot be read.
    pub async fn loop_marks(&self, recipients: &[DeliveryRecipient], header: &[u8]) -> Result<LoopMarks, Error> {
        let mut marks = LoopMarks::default();
        let groups = recipients
            .iter()
            .enumerate()
            .filter_map(|(index, recipient)| match &recipient.target {
                Target::Group(group) if !group.remote.is_empty() => Some((index, group.id)),
                _ => None,
            });
        let groups: Vec<_> = groups.collect();
        if groups.is_empty() {
            return Ok(marks);
        }
        let key = self.mark_key().await?;
        let seen: Vec<String> = header::fields(header)
            .take_while(|field| !field.name.to_ascii_lowercase().starts_with(b"resent-"))
            .filter(|field| field.is(FIELD))
            .map(|field| field.text())
            .collect();
        for (index, group) in groups {
            let mark = blake3::keyed_hash(key, &group.0.to_le_bytes()).to_hex();
            let mark = mark.get(..32).unwrap_or_default();
            if seen.iter().any(|seen| seen == mark) {
                tracing::info!(event = "delivery_circle", group = group.0);
                counter(
                    "hongyan_delivery_circles_total",
                    "Messages that came back to a group they went out through.",
                )
                .inc();
                marks.returned.push(index);
            } else {
                marks.header.push_str(&format!("{FIELD}: {mark}\r\n"));
            }
        }
        Ok(marks)
    }

    /// The key at ("dlv", "marks"), 32 octets, made at the first use.
    async fn mark_key(&self) -> Result<&[u8; 32], Error> {
        let load = async || {
            let mut fresh = [0; 32];
            self.0.parts.env.fill_random(&mut fresh);
            let read = async move |transaction: &mut Transaction| {
                let key = Tuple::new().string("dlv").string("marks").pack();
                if let Some(stored) = transaction.get(&key).await? {
                    let corrupt = |_| Error::Corrupt("key of marks is not 32 octets".to_owned());
                    return <[u8; 32]>::try_from(&stored[..]).map_err(corrupt);
                }
                transaction.set(key, fresh.to_vec());
                Ok(fresh)
            };
            self.0.parts.database.run(read).await
        };
        self.0.mark_key.get_or_try_init(load).await
    }
}
