//! ID (RFC 2971 §3.2).

use crate::Output;

impl Output {
    /// `* ID ("name" "Hongyan")`
    pub fn id(&mut self, fields: &[(&str, &str)]) {
        self.raw(b"* ID (");
        let mut separate = false;
        for (name, value) in fields {
            if separate {
                self.raw(b" ");
            }
            separate = true;
            self.string(name.as_bytes());
            self.raw(b" ");
            self.string(value.as_bytes());
        }
        self.raw(b")\r\n");
    }
}
