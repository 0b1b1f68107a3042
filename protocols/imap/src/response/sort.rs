//! SORT (RFC 5256 §4).

use crate::Output;

impl Output {
    /// `* SORT 5 3 4`
    pub fn sort(&mut self, order: &[u32], mod_seq: Option<u64>) {
        self.raw(b"* SORT");
        for number in order {
            self.raw(b" ");
            self.number32(*number);
        }
        self.order_end(mod_seq);
    }
}
