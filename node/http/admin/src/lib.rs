//! The admin API: organisations, people, sessions, queue and cluster over HTTP, under /api.
//!
//! JSON in and out; errors are problem+json (RFC 9457) that name the limit and its present use; lists come in pages; the
//! OpenAPI document at /api/openapi.json is made from the handlers. One file a resource. Every request needs an
//! [`Actor`](hongyan_access::permission::Actor) among its extensions: the node's own socket, which only its user may open,
//! gives an operator's; whoever serves the API to the network puts in whom it has proved. Called by `ops/cli`.

mod act;
mod active_sync;
mod alias;
mod app_password;
mod application;
mod audit;
mod badge;
mod body;
mod bulk;
mod caller;
mod certificate;
mod changes;
mod check_up;
mod clean_up;
mod client_settings;
mod cluster;
mod conditional;
mod connected;
mod connection;
mod delegation;
mod deleted_mail;
mod deletion;
mod department;
mod device;
mod domain;
mod domain_records;
mod event;
mod export;
mod first_password;
mod group;
mod hand_over;
mod home;
mod import;
mod invitation;
mod join;
mod kept;
mod ldap;
mod link;
mod login;
mod mail_log;
mod member;
mod message;
mod migration;
mod oauth;
mod once;
mod openapi;
mod operator_request;
mod organisation;
mod organisation_page;
mod page;
mod passkey;
mod picture;
mod plan;
mod preferences;
mod problem;
mod qr;
mod queue;
mod recycle_bin;
mod role;
mod saml;
mod saml_application;
mod sanction;
mod seat;
mod secret;
mod sent_mail;
mod service;
mod session;
mod sheet;
mod sight;
mod sign_in;
mod sign_in_page;
mod sign_in_policy;
mod single_sign_on;
mod socket;
mod state;
mod statistics;
mod tag;
mod task;
mod terms;
mod token;
mod user;
mod visibility;
mod web_session;
mod webhook;
mod whoami;

pub use cluster::{
    BackupView, ClusterControl, ClusterView, ControlError, ControlResult, Invitation, NodeChange, NodeView,
    PartitionsView, SettingView, StoreView, VotersView,
};
pub use problem::Problem;
pub use secret::SecretKeeper;
pub use sent_mail::{RecallDoor, Recalls};
pub use socket::{SocketError, serve};
pub use state::{AdminState, Recalling};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All of /api. Requests without an actor are refused.
pub fn router(state: AdminState) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(openapi::base())
        .merge(organisation_routes())
        .merge(people_routes())
        .merge(sign_in_routes())
        .merge(picture_routes())
        .merge(request_routes(&state))
        .merge(task_routes(&state))
        .merge(migration_routes(&state))
        .merge(operator_routes())
        .split_for_parts();
    // The one that answers tasks has none of its own, or neither would ever go.
    let apart = AdminState {
        tasks: state.tasks.clone().with_lists(hongyan_upkeep::Lists::default()),
        ..state.clone()
    };
    state.tasks.lists().set(std::sync::Arc::new(export::Source(apart)));
    let document = document.to_json().unwrap_or_default();
    let json = [("content-type", "application/json")];
    router
        .route(
            "/api/openapi.json",
            get(move || std::future::ready((json, document.clone()))),
        )
        .fallback(|| async { Problem::not_found("no such resource") })
        .method_not_allowed_fallback(|| async { Problem::not_allowed() })
        .layer(from_fn_with_state(state.clone(), once::once))
        .layer(axum::Extension(event::Places::default()))
        .with_state(state)
}

fn organisation_routes() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(organisation::list, organisation::create))
        .routes(routes!(organisation::show, organisation::change, organisation::delete))
        .routes(routes!(organisation_page::show, organisation_page::change))
        .routes(routes!(service::show, service::assign))
        .routes(routes!(service::preview))
        .routes(routes!(sanction::list, sanction::impose))
        .routes(routes!(sanction::lift))
        .routes(routes!(service::set_limits))
        .routes(routes!(domain::list, domain::create))
        .routes(routes!(domain::show, domain::change, domain::delete))
        .routes(routes!(domain_records::show))
        .routes(routes!(domain::check))
        .routes(routes!(domain::confirm))
        .routes(routes!(domain::removal, domain::remove, domain::keep))
        .routes(routes!(domain::move_to))
        .routes(routes!(department::list, department::create))
        .routes(routes!(department::show, department::change, department::delete))
        .routes(routes!(tag::list, tag::create))
        .routes(routes!(tag::show, tag::change, tag::delete))
        .routes(routes!(sign_in_policy::show, sign_in_policy::change))
        .routes(routes!(sign_in_policy::secure_login_effect))
        .routes(routes!(
            single_sign_on::show,
            single_sign_on::set,
            single_sign_on::remove
        ))
        .routes(routes!(single_sign_on::check))
        .routes(routes!(saml::show, saml::set, saml::remove))
        .routes(routes!(saml::registration))
        .routes(routes!(saml_application::list))
        .routes(routes!(
            saml_application::show,
            saml_application::set,
            saml_application::remove
        ))
        .routes(routes!(saml_application::provider))
        .routes(routes!(saml_application::make_key))
        .routes(routes!(saml_application::sign_with))
        .routes(routes!(saml_application::remove_key))
        .routes(routes!(connected::list))
        .routes(routes!(connected::show, connected::set, connected::remove))
        .routes(routes!(connected::renew))
        .routes(routes!(connection::list))
        .routes(routes!(ldap::show, ldap::set, ldap::remove))
        .routes(routes!(ldap::check))
        .routes(routes!(ldap::sync))
        .routes(routes!(visibility::show, visibility::set))
        .routes(routes!(visibility::people))
        .routes(routes!(link::show, link::set))
        .routes(routes!(link::own))
        .routes(routes!(terms::show, terms::set, terms::withdraw))
        .routes(routes!(role::list))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(changes::list))
        .routes(routes!(event::listen))
        .routes(routes!(token::list, token::create))
        .routes(routes!(token::delete))
        .routes(routes!(token::rotate))
        .routes(routes!(webhook::list, webhook::create))
        .routes(routes!(webhook::show, webhook::change, webhook::delete))
        .routes(routes!(webhook::rotate))
        .routes(routes!(webhook::test))
        .routes(routes!(webhook::deliveries))
        .routes(routes!(webhook::redeliver))
        .routes(routes!(message::list))
        .routes(routes!(message::mark))
        .routes(routes!(mail_log::list))
        .routes(routes!(mail_log::own))
        .routes(routes!(mail_log::report))
        .routes(routes!(deletion::list))
        .routes(routes!(check_up::show))
        .routes(routes!(certificate::list))
        .routes(routes!(certificate::bring, certificate::remove))
        .routes(routes!(clean_up::scan))
        .routes(routes!(clean_up::clean))
        .routes(routes!(deleted_mail::list))
        .routes(routes!(deleted_mail::restore))
        .routes(routes!(sent_mail::list))
        .routes(routes!(sent_mail::show))
        .routes(routes!(sent_mail::recall))
        .routes(routes!(home::show))
        .routes(routes!(statistics::overview))
        .routes(routes!(statistics::days))
        .routes(routes!(statistics::members))
        .routes(routes!(statistics::export))
        .routes(routes!(statistics::capacity))
        .routes(routes!(statistics::sign_ins))
        .routes(routes!(statistics::settings, statistics::set_settings))
        .routes(routes!(whoami::show))
        .routes(routes!(client_settings::show))
}

fn people_routes() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(member::list, member::create))
        .routes(routes!(member::show, member::change, recycle_bin::delete_member))
        .routes(routes!(member::set_password))
        .routes(routes!(member::limits))
        .routes(routes!(member::set_address))
        .routes(routes!(invitation::list, invitation::create))
        .routes(routes!(invitation::revoke))
        .routes(routes!(invitation::notify))
        .routes(routes!(first_password::hand_out))
        .routes(routes!(application::list))
        .routes(routes!(application::accept))
        .routes(routes!(application::refuse))
        .routes(routes!(join::show, join::join))
        .routes(routes!(recycle_bin::unbind))
        .routes(routes!(recycle_bin::leave))
        .routes(routes!(recycle_bin::list))
        .routes(routes!(recycle_bin::show, recycle_bin::purge))
        .routes(routes!(recycle_bin::restore))
        .routes(routes!(recycle_bin::share))
        .routes(routes!(recycle_bin::merge))
        .routes(routes!(recycle_bin::back_up))
        .routes(routes!(role::set, role::withdraw))
        .routes(routes!(hand_over::show, hand_over::offer, hand_over::withdraw))
        .routes(routes!(hand_over::accept))
        .routes(routes!(seat::list))
        .routes(routes!(seat::give, seat::withdraw))
        .routes(routes!(sign_in::show, sign_in::change))
        .routes(routes!(app_password::list, app_password::add))
        .routes(routes!(app_password::remove))
        .routes(routes!(sign_in::remove_second_factor))
        .routes(routes!(sign_in::unbind_reach))
        .routes(routes!(oauth::grants))
        .routes(routes!(oauth::end_grant))
        .routes(routes!(preferences::show, preferences::change))
        .routes(routes!(badge::show, badge::set, badge::remove))
        .routes(routes!(device::list, device::remove_all))
        .routes(routes!(device::remove))
        .routes(routes!(active_sync::list))
        .routes(routes!(active_sync::remove))
        .routes(routes!(active_sync::wipe, active_sync::keep))
        .routes(routes!(single_sign_on::identities))
        .routes(routes!(single_sign_on::unlink))
        .routes(routes!(passkey::list))
        .routes(routes!(passkey::rename, passkey::remove))
        .routes(routes!(login::list))
        .routes(routes!(login::of_member))
        .routes(routes!(delegation::list, delegation::appoint))
        .routes(routes!(delegation::stop, delegation::remove))
        .routes(routes!(delegation::ask))
        .routes(routes!(delegation::turn_down))
        .routes(routes!(delegation::accept))
        .routes(routes!(act::list))
        .routes(routes!(alias::list, alias::add))
        .routes(routes!(alias::remove))
        .routes(routes!(user::list, user::set, user::remove))
        .routes(routes!(session::revoke_all))
        .routes(routes!(session::list))
        .routes(routes!(session::revoke))
        .routes(routes!(group::list, group::create))
        .routes(routes!(group::show, group::change, group::delete))
        .routes(routes!(group::members, group::add_member))
        .routes(routes!(group::remove_member))
}

fn sign_in_routes() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(web_session::begin, web_session::show, web_session::end))
        .routes(routes!(web_session::second_factor, web_session::remove_second_factor))
        .routes(routes!(web_session::prove))
        .routes(routes!(web_session::ask_approval))
        .routes(routes!(web_session::approvals))
        .routes(routes!(web_session::approve, web_session::refuse))
        .routes(routes!(web_session::events))
        .routes(routes!(web_session::terms, web_session::accept_terms))
        .routes(routes!(web_session::reach))
        .routes(routes!(
            web_session::offer_mailbox,
            web_session::confirm_mailbox,
            web_session::remove_mailbox
        ))
        .routes(routes!(
            web_session::offer_phone,
            web_session::confirm_phone,
            web_session::remove_phone
        ))
        .routes(routes!(web_session::send_code))
        .routes(routes!(web_session::protect))
        .routes(routes!(web_session::ways, web_session::ask, web_session::recover))
        .routes(routes!(web_session::ask_phone))
        .routes(routes!(web_session::change_password))
        .routes(routes!(
            web_session::offer_totp,
            web_session::confirm_totp,
            web_session::remove_totp
        ))
        .routes(routes!(web_session::request_passkey))
        .routes(routes!(web_session::offer_passkey))
        .routes(routes!(web_session::add_passkey))
        .routes(routes!(web_session::renew_recovery_codes))
}

/// What is larger than a picture may be is told so, and not that the connection is closed.
fn picture_routes() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(picture::avatar, picture::set_avatar, picture::remove_avatar))
        .routes(routes!(sign_in_page::show, sign_in_page::set, sign_in_page::remove))
        .routes(routes!(sign_in_page::set_picture, sign_in_page::remove_picture))
        .routes(routes!(sign_in_page::sign_in_form))
        .routes(routes!(picture::logo, picture::set_logo, picture::remove_logo))
        .layer(DefaultBodyLimit::max(hongyan_profile::AVATAR_OCTETS_MAX))
}

fn request_routes(state: &AdminState) -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(operator_request::list, operator_request::ask))
        .routes(routes!(operator_request::show))
        .routes(routes!(operator_request::add_document))
        .routes(routes!(operator_request::document))
        .routes(routes!(operator_request::approve))
        .routes(routes!(operator_request::refuse))
        .routes(routes!(operator_request::withdraw))
        .layer(DefaultBodyLimit::max(
            state.directory.options().request_document_octets_max,
        ))
}

fn task_routes(state: &AdminState) -> OpenApiRouter<AdminState> {
    let import = OpenApiRouter::new()
        .routes(routes!(sheet::import))
        .routes(routes!(sheet::import_groups))
        .layer(DefaultBodyLimit::max(state.tasks.options().file_octets_max));
    OpenApiRouter::new()
        .routes(routes!(task::list))
        .routes(routes!(task::show))
        .routes(routes!(task::rows))
        .routes(routes!(task::result))
        .routes(routes!(task::cancel))
        .routes(routes!(sheet::export))
        .routes(routes!(sheet::blank))
        .routes(routes!(export::export))
        .routes(routes!(sheet::export_groups))
        .routes(routes!(sheet::blank_groups))
        .routes(routes!(bulk::members))
        .merge(import)
}

fn migration_routes(state: &AdminState) -> OpenApiRouter<AdminState> {
    let list = OpenApiRouter::new()
        .routes(routes!(migration::set_passwords))
        .layer(DefaultBodyLimit::max(
            state.migrations.options().password_file_octets_max,
        ));
    OpenApiRouter::new()
        .routes(routes!(import::import))
        .routes(routes!(migration::providers))
        .routes(routes!(migration::test))
        .routes(routes!(migration::list, migration::create))
        .routes(routes!(migration::show, migration::change))
        .routes(routes!(migration::checks))
        .routes(routes!(migration::accounts))
        .routes(routes!(migration::account))
        .routes(routes!(migration::troubles))
        .routes(routes!(migration::set_password, migration::remove_password))
        .routes(routes!(migration::of_member))
        .merge(list)
}

fn operator_routes() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(oauth::clients))
        .routes(routes!(oauth::set_client, oauth::remove_client))
        .routes(routes!(plan::list, plan::create))
        .routes(routes!(plan::show, plan::change, plan::delete))
        .routes(routes!(queue::list))
        .routes(routes!(queue::show, queue::delete))
        .routes(routes!(queue::act))
        .routes(routes!(terms::show_own, terms::set_own, terms::withdraw_own))
        .routes(routes!(secret::show))
        .routes(routes!(secret::rotate))
        .merge(cluster::routes())
}
