//! In whose name a directory changes things, and which request it is.

use std::sync::atomic::{AtomicBool, Ordering};

use hongyan_audit::Author;

/// Names a request of someone, so that asking it again does nothing twice: a hash over who asks and the key they chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestKey(pub [u8; 32]);

/// Who changes things through one handle.
pub(crate) struct Acting {
    pub(crate) author: Author,
    request: Option<RequestKey>,
    /// The first change of the request bears the key.
    spent: AtomicBool,
}

impl Acting {
    pub(crate) fn new(author: Author, request: Option<RequestKey>) -> Self {
        Self {
            author,
            request,
            spent: AtomicBool::new(false),
        }
    }
    pub(crate) fn take_request(&self) -> Option<RequestKey> {
        let request = self.request?;
        (!self.spent.swap(true, Ordering::AcqRel)).then_some(request)
    }
}
