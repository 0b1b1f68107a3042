//! FETCH (RFC 9051 §7.5.2): items are written one after the other between `fetch_begin` and `fetch_end`.

use std::fmt::Display;

use hongyan_types::{SystemFlags, Timestamp};

use crate::{Output, write_date_time};

impl Output {
    /// `* 12 FETCH (`
    #[inline]
    pub fn fetch_begin(&mut self, sequence: u32) {
        self.raw(b"* ");
        self.number32(sequence);
        self.raw(b" FETCH (");
        self.separate = false;
    }

    /// `)` and the line's end.
    #[inline]
    pub fn fetch_end(&mut self) {
        self.raw(b")\r\n");
    }

    #[inline]
    pub(crate) fn item(&mut self) {
        if self.separate {
            self.raw(b" ");
        }
        self.separate = true;
    }

    /// `UID 123`
    #[inline]
    pub fn fetch_uid(&mut self, uid: u32) {
        self.item();
        self.raw(b"UID ");
        self.number32(uid);
    }

    /// `FLAGS (\Seen $Junk)`
    #[inline]
    pub fn fetch_flags<'a>(&mut self, system: SystemFlags, keywords: impl IntoIterator<Item = &'a str>) {
        self.item();
        self.raw(b"FLAGS (");
        self.flag_names(system, keywords);
        self.raw(b")");
    }

    /// `MODSEQ (12345)` (RFC 7162 §3.1.4.2)
    #[inline]
    pub fn fetch_mod_seq(&mut self, mod_seq: u64) {
        self.item();
        self.raw(b"MODSEQ (");
        self.number(mod_seq);
        self.raw(b")");
    }

    /// `INTERNALDATE "17-Jul-1996 02:44:25 +0000"`
    pub fn fetch_internal_date(&mut self, moment: Timestamp) {
        self.item();
        self.raw(b"INTERNALDATE ");
        write_date_time(self, moment);
    }

    /// `RFC822.SIZE 4286`
    pub fn fetch_size(&mut self, octets: u64) {
        self.item();
        self.raw(b"RFC822.SIZE ");
        self.number(octets);
    }

    /// `SAVEDATE "..."` or `SAVEDATE NIL` (RFC 8514 §4.2)
    pub fn fetch_save_date(&mut self, moment: Option<Timestamp>) {
        self.item();
        self.raw(b"SAVEDATE ");
        match moment {
            Some(moment) => write_date_time(self, moment),
            None => self.raw(b"NIL"),
        }
    }

    /// `EMAILID (M12)` (RFC 8474 §5.1)
    pub fn fetch_email_id(&mut self, id: &impl Display) {
        self.item();
        self.raw(b"EMAILID (");
        self.display(id);
        self.raw(b")");
    }

    /// `THREADID (T12)` (RFC 8474 §5.2)
    pub fn fetch_thread_id(&mut self, id: &impl Display) {
        self.item();
        self.raw(b"THREADID (");
        self.display(id);
        self.raw(b")");
    }

    /// `PREVIEW "Hello"` (RFC 8970 §3.1)
    pub fn fetch_preview(&mut self, preview: Option<&str>) {
        self.item();
        self.raw(b"PREVIEW ");
        self.nstring(preview.map(str::as_bytes));
    }
}
