//! /api/client-settings: names and ports for mail clients (ACC-9), with the names for members abroad (ACC-16).

use axum::Json;
use hongyan_http_discovery::{Door, Offer, Service};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::problem::{Failure, Result};

/// How mail clients are set up. The login name is the member's address.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ClientSettings {
    /// Those that clients shall prefer come first.
    servers: Vec<ClientServer>,
}

/// A service as clients reach it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClientServer {
    /// `imap`, `pop3`, `submission`, `ldap` or `https`.
    service: &'static str,
    host: String,
    port: u16,
    /// `tls` from the start, or `starttls`.
    security: &'static str,
    /// Set for a name that is for members abroad; what people call the place, empty when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
}

fn label(service: Service) -> &'static str {
    match service {
        Service::Imap | Service::Imaps => "imap",
        Service::Pop3 | Service::Pop3s => "pop3",
        Service::Submission | Service::Submissions => "submission",
        Service::Ldap | Service::Ldaps => "ldap",
        Service::Https => "https",
    }
}

fn view(door: &Door, region: Option<String>) -> ClientServer {
    ClientServer {
        service: label(door.service),
        host: door.host.to_string(),
        port: door.port,
        security: if door.service.begins_in_clear() {
            "starttls"
        } else {
            "tls"
        },
        region,
    }
}

fn servers(offer: &Offer) -> Vec<ClientServer> {
    let mut servers = Vec::new();
    for service in [
        Service::Imaps,
        Service::Imap,
        Service::Submissions,
        Service::Submission,
        Service::Pop3s,
        Service::Pop3,
        Service::Ldaps,
        Service::Ldap,
        Service::Https,
    ] {
        servers.extend(offer.door(service).map(|door| view(door, None)));
        for door in offer.regional_doors(service) {
            let mut regional = offer.regional_hosts.iter();
            let place = regional.find(|regional| regional.host == door.host);
            servers.push(view(&door, place.map(|regional| regional.place.clone())));
        }
    }
    servers
}

/// Names and ports for mail clients.
#[utoipa::path(get, path = "/api/client-settings", responses((status = 200, body = ClientSettings), Failure))]
pub(crate) async fn show(caller: Caller) -> Result<Json<ClientSettings>> {
    let publishing = caller.publishing.as_ref();
    Ok(Json(ClientSettings {
        servers: publishing.map(|checker| servers(&checker.offer)).unwrap_or_default(),
    }))
}
