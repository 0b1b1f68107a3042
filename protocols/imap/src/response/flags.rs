//! FLAGS (RFC 9051 §7.3.5): the flags a mailbox knows.

use hongyan_types::SystemFlags;

use crate::Output;

impl Output {
    /// `* FLAGS (\Answered ... $Junk)`
    pub fn flags<'a>(&mut self, keywords: impl IntoIterator<Item = &'a str>) {
        self.raw(b"* FLAGS (");
        self.flag_names(SystemFlags::from_bits(31), keywords);
        self.raw(b")\r\n");
    }

    /// Flags separated by spaces.
    pub(crate) fn flag_names<'a>(&mut self, system: SystemFlags, keywords: impl IntoIterator<Item = &'a str>) {
        let mut separate = false;
        for flag in system.iter() {
            if separate {
                self.raw(b" ");
            }
            separate = true;
            self.text(flag.as_str());
        }
        for keyword in keywords {
            if separate {
                self.raw(b" ");
            }
            separate = true;
            self.text(keyword);
        }
    }
}
