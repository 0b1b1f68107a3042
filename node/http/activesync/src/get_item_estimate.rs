//! GetItemEstimate: how many changes Sync would bring ([MS-ASCMD] §2.2.1.9).

use axum::response::Response;
use hongyan_activesync::command::get_item_estimate::{
    Estimate, EstimateCollection, EstimateStatus, GetItemEstimateRequest, GetItemEstimateResponse,
};
use hongyan_activesync::{Element, Status};
use hongyan_types::UidSet;

use crate::answer::{Found, body};
use crate::asking::{Asking, read_folder};
use crate::devices;
use crate::sync::{Shown, plan, wishes};

pub(crate) async fn get_item_estimate(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = GetItemEstimateRequest::read(tree, asking.version)?;
    if request.collections.len() > asking.service.settings.collections_max {
        return Err(Status::InvalidContent.into());
    }
    let mut estimates = Vec::with_capacity(request.collections.len());
    for wanted in request.collections {
        estimates.push(Estimate {
            outcome: estimate(asking, &wanted).await?,
            collection_id: wanted.collection_id,
        });
    }
    Ok(body(&GetItemEstimateResponse { estimates }.write()))
}

async fn estimate(asking: &Asking<'_>, wanted: &EstimateCollection) -> Found<Result<u32, EstimateStatus>> {
    let Some(folder) = read_folder(&wanted.collection_id) else {
        return Ok(Err(EstimateStatus::InvalidCollection));
    };
    let Some(opened) = asking.open(folder).await? else {
        return Ok(Err(EstimateStatus::InvalidCollection));
    };
    let mut transaction = asking.service.services.database.begin();
    let known = devices::collection(&mut transaction, asking.account.id, &asking.line.device_id, folder).await?;
    if known.is_none() {
        return Ok(Err(EstimateStatus::NotPrimed));
    }
    let Some(shown) = Shown::of(&wanted.sync_key, known, &opened.view) else {
        return Ok(Err(EstimateStatus::InvalidSyncKey));
    };
    let wishes = wishes(&wanted.options, Some(&shown.known.wishes));
    let none = UidSet::new();
    let found = plan(asking, &shown.base, &opened.view, &wishes, (&none, usize::MAX)).await?;
    let count = found.map(|plan| u32::try_from(plan.items.len()).unwrap_or(u32::MAX));
    Ok(count.ok_or(EstimateStatus::InvalidSyncKey))
}
