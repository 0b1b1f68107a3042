//! What sign-in keeps of an account's person beside the directory, which clears passwords and second factors itself: gone when the
//! mailbox is given to another (MEM-13).

use hongyan_kv::Transaction;
use hongyan_types::{AccountId, TenantId};

use crate::{app_password, login_log, passkey, second_factor, unusual, web};

/// Forgets trusted devices, when app passwords and passkeys were used, from where was signed in, and what waits to be approved. A
/// [`hongyan_directory::ForgetPerson`]. Sign-ins stay in the organisation's log; the next person does not see them as their own.
pub fn forget_person(transaction: &mut Transaction, _: TenantId, account: AccountId) {
    for all in [
        web::devices(account),
        app_password::uses(account),
        passkey::uses(account),
        login_log::of_account(account),
        unusual::marks_of(account),
    ] {
        transaction.clear_range(all.range());
    }
    transaction.clear(&web::waiting_key(account));
    transaction.clear(&second_factor::taken_key(account));
}

#[cfg(test)]
#[path = "person_test.rs"]
mod tests;
