//! What organisations ask of the operator: more members, or to be found real (ORG-4, ORG-5).

use hongyan_env::Env;
use hongyan_kv::TRANSACTION_OCTETS_TARGET;
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_types::{TenantId, Timestamp};

use crate::day::day;
use crate::transaction::{self as tx, Page};
use crate::{
    Directory, Document, DocumentKind, Error, OperatorRequest, OperatorRequestId, OperatorRequestState, Result,
    TenantRecord, Wanted, key,
};

/// A part of a document: values are small (`hongyan_kv`).
const PART_OCTETS: usize = 64 << 10;
/// Parts written in one transaction.
const PARTS_AT_ONCE: usize = 12;

const _: () = assert!(PART_OCTETS * PARTS_AT_ONCE < TRANSACTION_OCTETS_TARGET);

/// A request to make.
#[derive(Debug, Clone)]
pub struct NewOperatorRequest {
    /// Whose.
    pub tenant: TenantId,
    /// What is asked for.
    pub wanted: Wanted,
    /// Who asks.
    pub by: String,
    /// What they say.
    pub text: String,
}

/// What the operator says to a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// It is granted.
    Approve {
        /// Another member limit than was asked for.
        limit: Option<u64>,
        /// Until when a verification counts.
        until: Timestamp,
        /// What else there is to say.
        reason: String,
    },
    /// It is not.
    Refuse {
        /// Why not.
        reason: String,
    },
}

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Asks the operator, with the first document. `NotFound`, `Invalid`, `Limit` for a document too long, `Refused` where it
    /// is pointless or asked already.
    pub async fn ask_operator(&self, new: &NewOperatorRequest, file: &[u8]) -> Result<OperatorRequest> {
        let document = self.checked_document(new.wanted, file)?;
        let owner = self.tenant(new.tenant).await?;
        let is_verified = self.is_verified(&owner).await?;
        let (wanted, now, this) = (new.clone(), self.now(), self.clone());
        let body = async move |t: &mut crate::Change| {
            tx::operator_request::begin(t, &wanted, is_verified, this.options(), now).await
        };
        let draft = self.change(body).await?;
        self.put_document(draft.id, 0, document, file).await
    }
    /// Adds a document to a request that waits. `NotFound`, `Invalid`, `Limit`, `Refused`.
    pub async fn add_operator_document(&self, id: OperatorRequestId, file: &[u8]) -> Result<OperatorRequest> {
        let request = self.operator_request(id).await?;
        let document = self.checked_document(request.wanted, file)?;
        let (used, max) = (request.documents.len(), tx::operator_request::DOCUMENTS_MAX);
        if used >= max {
            return Err(Error::Limit {
                setting: "documents_per_request_max",
                max: max as u64,
                used: used as u64,
            });
        }
        if request.state != OperatorRequestState::Waiting {
            return Err(Error::Refused(format!("the request is {}", request.state.label())));
        }
        self.put_document(id, used, document, file).await
    }
    fn checked_document(&self, wanted: Wanted, file: &[u8]) -> Result<Document> {
        let max = self.options().request_document_octets_max;
        if file.len() > max {
            return Err(Error::Limit {
                setting: "request_document_octets_max",
                max: max as u64,
                used: file.len() as u64,
            });
        }
        let kind = DocumentKind::of(file).filter(|kind| match wanted {
            Wanted::MemberLimit(_) => *kind != DocumentKind::Pdf,
            Wanted::Verification => true,
        });
        let kind = kind.ok_or_else(|| {
            let pdf = if wanted == Wanted::Verification { " or PDF" } else { "" };
            Error::Invalid(format!("a document is a JPEG, PNG, GIF, BMP{pdf} file"))
        })?;
        let octets = file.len() as u64;
        Ok(Document { kind, octets })
    }
    /// Writes the parts, then the request that has them: without it they are nobody's, and go with the draft.
    async fn put_document(
        &self,
        id: OperatorRequestId,
        number: usize,
        document: Document,
        file: &[u8],
    ) -> Result<OperatorRequest> {
        let prefix = key::operator_document(id, number);
        let parts: Vec<Vec<u8>> = file.chunks(PART_OCTETS).map(<[u8]>::to_vec).collect();
        for (step, parts) in parts.chunks(PARTS_AT_ONCE).enumerate() {
            let (prefix, parts) = (prefix.clone(), parts.to_vec());
            self.read(async move |t| {
                if step == 0 {
                    t.clear_range(prefix.range());
                }
                for (place, part) in parts.iter().enumerate() {
                    let part_number = step * PARTS_AT_ONCE + place;
                    t.set(prefix.clone().int(part_number as u64).pack(), part.clone());
                }
                Ok(())
            })
            .await?;
        }
        self.change(async move |t| tx::operator_request::add_document(t, id, number, document).await)
            .await
    }
    /// One request. `NotFound`.
    pub async fn operator_request(&self, id: OperatorRequestId) -> Result<OperatorRequest> {
        let request = self
            .read(async move |t| tx::operator_request::need(t, id).await)
            .await?;
        match request.state {
            OperatorRequestState::Draft => Err(Error::not_found("request", id.0)),
            _ => Ok(request),
        }
    }
    /// A document of one, the first is 0. `NotFound`.
    pub async fn operator_document(&self, id: OperatorRequestId, number: usize) -> Result<(Document, Vec<u8>)> {
        self.read(async move |t| tx::operator_request::document(t, id, number).await)
            .await
    }
    /// Requests after `after`, at most `limit`: of one organisation or of all, in one state or in any.
    pub async fn operator_requests(
        &self,
        tenant: Option<TenantId>,
        state: Option<OperatorRequestState>,
        after: Option<OperatorRequestId>,
        limit: usize,
    ) -> Result<Vec<OperatorRequest>> {
        let page = Page { after, limit };
        self.read(async move |t| tx::operator_request::all(t, tenant, state, &page).await)
            .await
    }
    /// Answers one; the administrators get a mail. `NotFound`, `Invalid`, `Refused` when it is answered already.
    pub async fn answer_request(&self, id: OperatorRequestId, answer: &Answer) -> Result<OperatorRequest> {
        let request = self.operator_request(id).await?;
        let owner = self.tenant(request.tenant).await?;
        let notice = answered(self.env(), &owner, &request, answer);
        let (answer, now) = (answer.clone(), self.now());
        self.change(async move |t| tx::operator_request::answer(t, id, &answer, &notice, now).await)
            .await
    }
    /// Takes one back that waits. `NotFound`, `Refused` when it is answered already.
    pub async fn withdraw_request(&self, id: OperatorRequestId) -> Result<OperatorRequest> {
        let id = self.operator_request(id).await?.id;
        let now = self.now();
        self.change(async move |t| tx::operator_request::withdraw(t, id, now).await)
            .await
    }

    /// Organisations whose verification ends, after `after`, at most `limit`.
    pub async fn ending_verifications(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantId>> {
        self.read(async move |t| tx::verification::ending(t, after, limit).await)
            .await
    }
    /// Looks whether a verification ends: administrators are told before that, and when it has.
    pub async fn look_at_verification(&self, tenant: TenantId) -> Result<()> {
        let now = self.now();
        self.change(async move |t| tx::verification::look(t, tenant, now).await)
            .await
    }
}

/// The kind of the mail before the end of a verification or at it, and what it says.
pub(crate) fn verification_ends(name: &str, until: Timestamp, has_ended: bool) -> (&'static str, Text, Text) {
    let end = day(until);
    match has_ended {
        true => (
            "verification.ended",
            Text::new(
                "Your organisation is no longer verified",
                &format!(
                    "The verification of {name} has ended on {end} (UTC). Ask the operator anew, with documents of today.\n"
                ),
            ),
            Text::new(
                "贵组织的认证已到期",
                &format!("{name} 的认证已于 {end}（UTC）到期。请提交最新材料，重新向运营方申请。\n"),
            ),
        ),
        false => (
            "verification.ending",
            Text::new(
                &format!("The verification of your organisation ends on {end}"),
                &format!(
                    "The verification of {name} ends on {end} (UTC). Ask the operator anew before that, with documents of today, \
                     and nothing is interrupted.\n"
                ),
            ),
            Text::new(
                &format!("贵组织的认证将于 {end} 到期"),
                &format!("{name} 的认证将于 {end}（UTC）到期。请在此之前提交最新材料，重新向运营方申请，以免中断。\n"),
            ),
        ),
    }
}

/// The mail to the administrators. Made before the transaction that may be tried again.
fn answered(env: &Env, owner: &TenantRecord, request: &OperatorRequest, answer: &Answer) -> Notice {
    let name = &owner.name;
    let (what, chinese_what) = match request.wanted {
        Wanted::MemberLimit(_) => ("more members", "提高成员上限"),
        Wanted::Verification => ("verification", "组织认证"),
    };
    let said = |reason: &str, english: &str, chinese: &str| match reason.trim() {
        "" => (String::new(), String::new()),
        reason => (format!("\n\n{english}: {reason}"), format!("\n\n{chinese}：{reason}")),
    };
    let (kind, english, chinese) = match answer {
        Answer::Refuse { reason } => {
            let (why, chinese_why) = said(reason, "Reason", "原因");
            (
                "request.refused",
                Text::new(
                    &format!("The operator has refused your request for {what}"),
                    &format!(
                        "The operator has refused request {} of {name} for {what}.{why}\n",
                        request.id.0
                    ),
                ),
                Text::new(
                    &format!("运营方未批准您的申请：{chinese_what}"),
                    &format!(
                        "运营方未批准 {name} 的第 {} 号申请（{chinese_what}）。{chinese_why}\n",
                        request.id.0
                    ),
                ),
            )
        }
        Answer::Approve { limit, until, reason } => {
            let (more, chinese_more) = said(reason, "The operator says", "运营方说明");
            let (given, chinese_given) = match request.wanted {
                Wanted::MemberLimit(wanted) => {
                    let granted = limit.unwrap_or(wanted);
                    (
                        format!("{name} may have {granted} members."),
                        format!("{name} 的成员上限现为 {granted}。"),
                    )
                }
                Wanted::Verification => {
                    let day = day(*until);
                    (
                        format!("{name} is verified until {day} (UTC)."),
                        format!("{name} 已通过认证，有效期至 {day}（UTC）。"),
                    )
                }
            };
            (
                "request.approved",
                Text::new(
                    &format!("The operator has granted your request for {what}"),
                    &format!("{given}{more}\n"),
                ),
                Text::new(
                    &format!("运营方已批准您的申请：{chinese_what}"),
                    &format!("{chinese_given}{chinese_more}\n"),
                ),
            )
        }
    };
    let to = Recipient::Administrators(owner.id);
    Notice::new(env, to, kind, english, chinese)
}

#[cfg(test)]
#[path = "operator_request_test.rs"]
mod tests;
