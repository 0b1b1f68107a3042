//! The OpenAPI document, made from the handlers themselves.

use utoipa::OpenApi;
use utoipa::openapi::{InfoBuilder, LicenseBuilder};

use crate::Problem;

#[derive(OpenApi)]
#[openapi(components(schemas(Problem)))]
struct Base;

/// The document before the routes are in it.
pub(crate) fn base() -> utoipa::openapi::OpenApi {
    let mut document = Base::openapi();
    document.info = InfoBuilder::new()
        .title("Hongyan")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Administration: organisations and what is in them, sessions, queue, cluster.\n\n\
             Lists come in pages: ask for `next` as `after`. Errors are problems (RFC 9457) that name the limit and its \
             present use; unknown fields are refused by name. Objects bear an `ETag`; a change with `If-Match` is refused \
             with 409 and the present state when someone else was there before. A request with `Idempotency-Key` is carried \
             out once and answered the same for a day.",
        ))
        .license(Some(
            LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
        ))
        .build();
    document
}
