//! ENVELOPE (RFC 9051 §7.5.2), from the stored structure.

use hongyan_message::{AddressItem, Envelope};

use crate::Output;

impl Output {
    /// `ENVELOPE (...)`
    pub fn fetch_envelope(&mut self, envelope: &Envelope) {
        self.item();
        self.raw(b"ENVELOPE ");
        self.envelope(envelope);
    }

    pub(crate) fn envelope(&mut self, envelope: &Envelope) {
        self.raw(b"(");
        self.text_or_nil(envelope.date.as_deref());
        self.raw(b" ");
        self.text_or_nil(envelope.subject.as_deref());
        let lists = [
            envelope.from.as_slice(),
            envelope.sender_or_from(),
            envelope.reply_to_or_from(),
            &envelope.to,
            &envelope.cc,
            &envelope.bcc,
        ];
        for list in lists {
            self.raw(b" ");
            self.addresses(list);
        }
        self.raw(b" ");
        self.text_or_nil(envelope.in_reply_to.as_deref());
        self.raw(b" ");
        self.text_or_nil(envelope.message_id.as_deref());
        self.raw(b")");
    }

    pub(crate) fn text_or_nil(&mut self, text: Option<&str>) {
        self.nstring(text.map(str::as_bytes));
    }

    fn addresses(&mut self, list: &[AddressItem]) {
        if list.is_empty() {
            return self.raw(b"NIL");
        }
        self.raw(b"(");
        for item in list {
            match item {
                AddressItem::Mailbox(mailbox) => {
                    self.raw(b"(");
                    self.text_or_nil(mailbox.name.as_deref());
                    self.raw(b" ");
                    self.text_or_nil(mailbox.route.as_deref());
                    self.raw(b" ");
                    self.string(mailbox.local.as_bytes());
                    self.raw(b" ");
                    // A NIL host would mean a group, so an address without domain gets an empty one.
                    self.string(mailbox.domain.as_deref().unwrap_or("").as_bytes());
                    self.raw(b")");
                }
                AddressItem::GroupStart(name) => {
                    self.raw(b"(NIL NIL ");
                    self.string(name.as_bytes());
                    self.raw(b" NIL)");
                }
                AddressItem::GroupEnd => self.raw(b"(NIL NIL NIL NIL)"),
            }
        }
        self.raw(b")");
    }
}
