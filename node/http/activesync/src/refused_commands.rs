//! Commands for what is not here, answered by their own statuses: invitations and certificates.

use axum::response::Response;
use hongyan_activesync::Element;
use hongyan_activesync::command::meeting_response::{MeetingResponseRequest, MeetingResponseResponse, MeetingStatus};
use hongyan_activesync::command::validate_cert::{CertificateStatus, ValidateCertRequest, ValidateCertResponse};

use crate::answer::{Found, body};
use crate::asking::Asking;

/// No mail is an item of a calendar here, so there is no invitation to answer; phones answer by mail.
pub(crate) fn meeting_response(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = MeetingResponseRequest::read(tree, asking.version)?;
    let refused = |(id, _)| (id, MeetingStatus::InvalidRequest);
    let results = request.answers.into_iter().map(refused).collect();
    Ok(body(&MeetingResponseResponse { results }.write()))
}

/// No authority for certificates of mail is trusted here: the phone asks its own.
pub(crate) fn validate_cert(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = ValidateCertRequest::read(tree, asking.version)?;
    let certificates = request.certificates.iter().map(|_| CertificateStatus::Untrusted);
    let response = ValidateCertResponse {
        status: CertificateStatus::Success,
        certificates: certificates.collect(),
    };
    Ok(body(&response.write()))
}
