//! Core/echo (RFC 8620 §4).

use hongyan_jmap::RawValue;

use crate::call::Call;
use crate::error::Outcome;

pub(crate) fn echo(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Box<RawValue> = call.arguments()?;
    call.answer(&arguments)
}
