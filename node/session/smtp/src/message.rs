//! The message itself: judged and mended at its header, streamed into storage, answered for once it is safe.

use bytes::Bytes;
use hongyan_delivery::submission::{Additions, SubmissionError, mend};
use hongyan_delivery::trace::{Protocol, Trace, date};
use hongyan_delivery::{Answer, DeliveryEnvelope, DeliveryId, MessageSink, Outcome, SentCopy, SinkError, Target};
use hongyan_message::header;
use hongyan_smtp::server::Mode;
use hongyan_smtp::{Enhanced, Reply};
use hongyan_types::Timestamp;

use crate::conversation::Conversation;
use crate::header_gate::{HeaderGate, Passed, fields_end};

/// A message on its way in.
pub(crate) struct Incoming {
    id: DeliveryId,
    arrived: Timestamp,
    gate: HeaderGate,
    /// `None` once the message is lost; then `failed` says why.
    sink: Option<MessageSink>,
    failed: Option<Reply>,
    octets: u64,
    /// Recipients, by index, that have had this message before and sent it round in a circle.
    returned: Vec<usize>,
}

impl Conversation {
    pub(crate) fn message_start(&mut self) -> Reply {
        let service = &self.service;
        let Some(envelope) = &self.envelope else {
            return NO_ENVELOPE;
        };
        let env = &service.services.env;
        let submitter = self.account.as_ref().map(|account| account.tenant);
        self.incoming = Some(Incoming {
            id: DeliveryId::random(env),
            arrived: Timestamp {
                millis: env.wall_millis(),
            },
            gate: HeaderGate::new(service.settings.header_octets_max),
            sink: Some(match envelope.not_before_millis {
                None => service.services.delivery.sink(&envelope.recipients, submitter),
                // It waits with its sender's organisation alone.
                Some(_) => service.services.delivery.sink(&[], submitter),
            }),
            failed: None,
            octets: 0,
            returned: Vec::new(),
        });
        Reply::go_ahead()
    }

    pub(crate) async fn chunk(&mut self, bytes: Bytes) {
        let Some(mut incoming) = self.incoming.take() else {
            return;
        };
        incoming.octets += bytes.len() as u64;
        if incoming.sink.is_some() {
            let taken = match incoming.gate.push(bytes) {
                Passed::Held => Ok(()),
                Passed::TooLarge => Err(HEADER_TOO_LARGE),
                Passed::Body(bytes) => push(&mut incoming, bytes).await,
                Passed::Header { header, rest } => self.take_header(&mut incoming, header, rest).await,
            };
            incoming.settle(taken);
        }
        self.incoming = Some(incoming);
    }

    pub(crate) async fn message_end(&mut self) -> Vec<Reply> {
        let begun = self.now();
        let Some(mut incoming) = self.incoming.take() else {
            return vec![NO_ENVELOPE];
        };
        if incoming.sink.is_some()
            && let Some(header) = incoming.gate.finish()
        {
            // A message that is all header is judged and marked by its envelope like others.
            let taken = self.take_header(&mut incoming, header, Bytes::new()).await;
            incoming.settle(taken);
        }
        let Some(mut envelope) = self.envelope.take() else {
            return vec![NO_ENVELOPE];
        };
        for index in std::mem::take(&mut incoming.returned) {
            if let Some(recipient) = envelope.recipients.get_mut(index) {
                recipient.target = Target::Returned;
            }
        }
        let recipients = envelope.recipients.len();
        let not_before = envelope.not_before_millis;
        let replies = match (incoming.failed, incoming.sink) {
            (Some(reply), _) => vec![reply],
            (None, None) => vec![STORAGE_FAILED],
            (None, Some(sink)) => {
                let answer = if self.answers_each() {
                    Answer::Each
                } else {
                    Answer::Whole
                };
                let envelope = DeliveryEnvelope {
                    id: incoming.id,
                    sender: envelope.sender,
                    tenant: self.account.as_ref().map(|account| account.tenant),
                    submitter: self.account.clone(),
                    smtputf8: envelope.mail.smtputf8,
                    binary: envelope.mail.body == hongyan_smtp::Body::Binary,
                    ret: envelope.mail.ret,
                    envid: envelope.mail.envid,
                    arrived: incoming.arrived,
                    recipients: envelope.recipients,
                    sent_copy: SentCopy::AsSet,
                    submission: None,
                };
                let delivery = &self.service.services.delivery;
                match not_before {
                    None => match delivery.deliver(&envelope, sink, answer).await {
                        Ok(outcomes) => replies(outcomes, answer, incoming.id),
                        Err(error) => vec![storage_reply(&error)],
                    },
                    Some(not_before) => match delivery.hold(&envelope, sink, not_before).await {
                        Ok(outcome) => vec![reply(outcome, incoming.id)],
                        Err(error) => vec![storage_reply(&error)],
                    },
                }
            }
        };
        tracing::info!(
            event = "message_ended",
            service = self.service.settings.name(),
            id = %incoming.id,
            octets = incoming.octets,
            recipients,
            code = replies.first().map_or(0, |reply| reply.code),
        );
        self.count(&replies, incoming.octets, begun);
        replies
    }

    /// Writes trace and header, or refuses the message by what the header says.
    async fn take_header(&self, incoming: &mut Incoming, header: Bytes, rest: Bytes) -> Result<(), Reply> {
        let settings = &self.service.settings;
        let received = header::fields(&header).filter(|field| field.is("Received")).count();
        if received > settings.received_max {
            return Err(LOOP);
        }
        let recipients = self.envelope.as_ref().map(|envelope| envelope.recipients.as_slice());
        let delivery = &self.service.services.delivery;
        let marks = delivery.loop_marks(recipients.unwrap_or_default(), &header).await;
        let marks = marks.map_err(|error| loop_check_failed(&error))?;
        incoming.returned = marks.returned;
        push(incoming, self.trace(incoming).into()).await?;
        push(incoming, marks.header.into()).await?;
        // A submitted text may come without a header, or without the empty line behind it: nothing of it is lost.
        let fields = header.slice(..fields_end(&header));
        match self.mend(incoming, &fields)? {
            Some(mended) => {
                push(incoming, mended).await?;
                if !rest.starts_with(b"\r\n") || fields.len() < header.len() {
                    push(incoming, Bytes::from_static(b"\r\n")).await?;
                }
                push(incoming, header.slice(fields.len()..)).await?;
            }
            None => push(incoming, header).await?,
        }
        push(incoming, rest).await
    }

    /// The header as it goes out, when the message was submitted.
    fn mend(&self, incoming: &Incoming, header: &[u8]) -> Result<Option<Bytes>, Reply> {
        let Some((envelope, rights)) = self
            .envelope
            .as_ref()
            .and_then(|envelope| Some((envelope, envelope.rights.as_ref()?)))
        else {
            return Ok(None);
        };
        let sender = envelope.sender.as_ref().unwrap_or(&rights.account().address);
        let additions = Additions {
            date: date(incoming.arrived).to_string(),
            message_id: format!("<{}@{}>", incoming.id, sender.domain),
            sender,
            account: &rights.account().address,
        };
        let mended = mend(header, &additions, |address| rights.sending(address)).map_err(|error| match error {
            SubmissionError::ForeignFrom => FOREIGN_FROM,
            SubmissionError::TwoFroms => TWO_FROMS,
        })?;
        Ok(Some(mended.into()))
    }

    fn trace(&self, incoming: &Incoming) -> String {
        let envelope = self.envelope.as_ref();
        let recipients = envelope
            .map(|envelope| envelope.recipients.as_slice())
            .unwrap_or_default();
        let (hello, extended) = match &self.hello {
            Some((name, extended)) => (name.as_str(), *extended),
            None => ("unknown", false),
        };
        let settings = &self.service.settings;
        let trace = Trace {
            sender: envelope.and_then(|envelope| envelope.sender.as_ref()),
            hello,
            peer: Some(self.connection.peer().ip()),
            host_name: settings.host_name.as_str(),
            protocol: Protocol {
                lmtp: settings.mode == Mode::Lmtp,
                extended,
                tls: self.connection.tls().is_some(),
                authenticated: self.account.is_some(),
                utf8: envelope.is_some_and(|envelope| envelope.mail.smtputf8),
            },
            id: &incoming.id.to_string(),
            recipient: match recipients {
                [one] => Some(&one.address),
                _ => None,
            },
            time: incoming.arrived,
        };
        trace.header()
    }

    fn count(&self, replies: &[Reply], octets: u64, begun: hongyan_types::Instant) {
        let (metrics, name) = (&self.service.metrics, self.service.settings.name());
        let outcome = match replies {
            replies if replies.iter().any(Reply::is_positive) => "accepted",
            replies if replies.iter().any(Reply::is_temporary) => "deferred",
            _ => "refused",
        };
        metrics.messages.with_label_values(&[name, outcome]).inc();
        metrics.octets.with_label_values(&[name]).inc_by(octets);
        let took = self.now().since(begun).as_secs_f64();
        metrics.commit.with_label_values(&[name]).observe(took);
    }
}

impl Incoming {
    fn settle(&mut self, taken: Result<(), Reply>) {
        if let Err(reply) = taken {
            self.failed = Some(reply);
            self.sink = None;
        }
    }
}

async fn push(incoming: &mut Incoming, bytes: Bytes) -> Result<(), Reply> {
    match &mut incoming.sink {
        Some(sink) if !bytes.is_empty() => sink.push(&bytes).await.map_err(|error| storage_reply(&error)),
        _ => Ok(()),
    }
}

fn loop_check_failed(error: &hongyan_kv::Error) -> Reply {
    tracing::warn!(event = "smtp_storage_failed", %error);
    STORAGE_FAILED
}

fn storage_reply(error: &SinkError) -> Reply {
    tracing::warn!(event = "smtp_storage_failed", %error);
    STORAGE_FAILED
}

/// LMTP: each outcome. SMTP: the one reply for all. Whatever is still deferred has to be sent again; what was refused
/// beside recipients that were served has been reported.
fn replies(outcomes: Vec<Outcome>, answer: Answer, id: DeliveryId) -> Vec<Reply> {
    if answer == Answer::Each {
        return outcomes.into_iter().map(|outcome| reply(outcome, id)).collect();
    }
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Deferred(_) => 0,
        Outcome::Delivered => 1,
        Outcome::Queued => 2,
        Outcome::Refused(_) => 3,
    };
    let decisive = outcomes.into_iter().min_by_key(rank);
    vec![decisive.map_or(STORAGE_FAILED, |outcome| reply(outcome, id))]
}

fn reply(outcome: Outcome, id: DeliveryId) -> Reply {
    match outcome {
        Outcome::Delivered => Reply::ok(format!("Delivered, id {id}")),
        Outcome::Queued => Reply::ok(format!("Queued, id {id}")),
        Outcome::Deferred(refusal) | Outcome::Refused(refusal) => {
            let (code, status) = (refusal.code(), refusal.status);
            Reply::new(code, Enhanced(status.0, status.1, status.2), refusal.text)
        }
    }
}

const NO_ENVELOPE: Reply = Reply::fixed(503, Enhanced(5, 5, 1), "Give MAIL and RCPT first");
const HEADER_TOO_LARGE: Reply = Reply::fixed(552, Enhanced(5, 3, 4), "Header of the message is too large");
const LOOP: Reply = Reply::fixed(
    554,
    Enhanced(5, 4, 6),
    "Too many Received fields: the message goes in circles",
);
const FOREIGN_FROM: Reply = Reply::fixed(550, Enhanced(5, 7, 1), "You may send only as your own addresses");
const TWO_FROMS: Reply = Reply::fixed(550, Enhanced(5, 6, 0), "The message has two From fields");
const STORAGE_FAILED: Reply = Reply::fixed(451, Enhanced(4, 3, 0), "Cannot take the message now, try again");
