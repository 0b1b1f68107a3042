//! /Bulk (RFC 7644 §3.7): operations one after the other, each a transaction of its own; what names something that a later
//! one makes waits for it.

use std::collections::{BTreeMap, VecDeque};

use axum::http::StatusCode;
use axum::response::Response;
use hongyan_scim::{BulkOperation, BulkRequest, ScimError, bulk_answer};
use serde_json::{Value, json};

use crate::answer::{Refused, Result, json as answer};
use crate::asker::{Asker, Sent};
use crate::describe::OPERATIONS_MAX;
use crate::operation;

pub(crate) async fn carry_out(asker: Asker, Sent(sent): Sent) -> Result<Response> {
    asker.check_change()?;
    let request = BulkRequest::read(&sent, OPERATIONS_MAX)?;
    let mut waiting: VecDeque<BulkOperation> = request.operations.into();
    let (mut made, mut told): (BTreeMap<String, String>, Vec<Value>) = (BTreeMap::new(), Vec::new());
    let mut errors = 0;
    let mut passed_over = 0;
    while let Some(next) = waiting.pop_front() {
        if request.fail_on_errors.is_some_and(|max| errors >= max) {
            break;
        }
        let missing = next.waits_for(&made);
        if let Some(name) = &missing {
            let is_to_come = waiting.iter().any(|later| later.bulk_id.as_deref() == Some(name));
            if is_to_come && passed_over < waiting.len() {
                passed_over += 1;
                waiting.push_back(next);
                continue;
            }
        }
        let outcome = match missing {
            // RFC 7644 §3.7.1
            Some(name) => Err(ScimError::status(409, format!("bulkId:{name} names nothing that was made")).into()),
            None => operation::carry_out(&asker, &next.resolved(&made)).await,
        };
        passed_over = 0;
        told.push(tell(&next, outcome, &mut made, &mut errors));
    }
    Ok(answer(StatusCode::OK, &bulk_answer(told)))
}

fn tell(
    operation: &BulkOperation,
    outcome: Result<(Value, Option<String>)>,
    made: &mut BTreeMap<String, String>,
    errors: &mut u64,
) -> Value {
    let mut told = match outcome {
        Ok((told, id)) => {
            if let (Some(name), Some(id)) = (&operation.bulk_id, id) {
                made.insert(name.clone(), id);
            }
            told
        }
        Err(Refused(error)) => {
            *errors += 1;
            json!({"status": error.status.to_string(), "response": error.body()})
        }
    };
    if let Some(told) = told.as_object_mut() {
        told.insert("method".to_owned(), operation.method.name().into());
        if let Some(name) = &operation.bulk_id {
            told.insert("bulkId".to_owned(), name.as_str().into());
        }
    }
    told
}
