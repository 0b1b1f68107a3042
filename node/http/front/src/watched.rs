//! A response's body that ends when its caller must not be served any more.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hongyan_access::SessionWatch;
use hyper::body::{Frame, SizeHint};

/// The body of `caller`'s response, cut off once the session is overdue.
pub(crate) fn watched(body: Body, watch: SessionWatch) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Watched {
        body,
        overdue: Box::pin(async move { watch.overdue().await }),
    })
}

struct Watched {
    body: Body,
    overdue: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if this.overdue.as_mut().poll(cx).is_ready() {
            let cut = io::Error::new(io::ErrorKind::PermissionDenied, "the session was ended");
            return Poll::Ready(Some(Err(axum::Error::new(cut))));
        }
        Pin::new(&mut this.body).poll_frame(cx)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
