//! /api/cluster from outside, over a control that says what it was asked.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::http::Request;
use hongyan_access::permission::Actor;
use hongyan_access::{Access, AccessOptions};
use hongyan_directory::{Directory, DirectoryOptions};
use hongyan_env::{BoxFuture, Env};
use hongyan_http_admin::{
    AdminState, BackupView, ClusterControl, ClusterView, ControlError, ControlResult, Invitation, NodeChange, NodeView,
    PartitionsView, SettingView, router,
};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_router::Router;
use hongyan_upkeep::{Tasks, UpkeepOptions};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

struct Scripted;

fn ready<T: Send + 'static>(result: ControlResult<T>) -> BoxFuture<'static, ControlResult<T>> {
    Box::pin(std::future::ready(result))
}

fn told(node: u64, state: &str) -> ControlResult<NodeView> {
    if node > 3 {
        return Err(ControlError::Unknown(format!("node {node} is unknown")));
    }
    Ok(NodeView {
        id: node,
        state: state.to_owned(),
        ..NodeView::default()
    })
}

fn known(value: &str) -> SettingView {
    SettingView {
        key: "moves".to_owned(),
        value: value.to_owned(),
        default: "16".to_owned(),
        set: value != "16",
        about: String::new(),
    }
}

impl ClusterControl for Scripted {
    fn status(&self) -> BoxFuture<'_, ControlResult<ClusterView>> {
        ready(Ok(ClusterView {
            this_node: 2,
            leader: Some(1),
            ..ClusterView::default()
        }))
    }
    fn invite(&self, lifetime: Duration) -> BoxFuture<'_, ControlResult<Invitation>> {
        ready(Ok(Invitation {
            token: "t".to_owned(),
            expires_millis: i64::try_from(lifetime.as_millis()).unwrap(),
        }))
    }
    fn drain(&self, node: u64) -> BoxFuture<'_, ControlResult<NodeView>> {
        ready(told(node, "draining"))
    }
    fn resume(&self, node: u64) -> BoxFuture<'_, ControlResult<NodeView>> {
        ready(told(node, "up"))
    }
    fn leave(&self, _: u64) -> BoxFuture<'_, ControlResult<NodeView>> {
        ready(Err(ControlError::Refused("it owns partitions".to_owned())))
    }
    fn change_node(&self, node: u64, change: NodeChange) -> BoxFuture<'_, ControlResult<NodeView>> {
        ready(told(node, "up").map(|view| NodeView {
            weight: change.weight.unwrap_or(100),
            ..view
        }))
    }
    fn rebalance(&self) -> BoxFuture<'_, ControlResult<PartitionsView>> {
        ready(Err(ControlError::NoLeader))
    }
    fn settings(&self) -> BoxFuture<'_, ControlResult<Vec<SettingView>>> {
        ready(Ok(vec![known("16")]))
    }
    fn set(&self, key: String, value: Option<String>) -> BoxFuture<'_, ControlResult<SettingView>> {
        ready(match (key.as_str(), value) {
            ("moves", None) => Ok(known("16")),
            ("moves", Some(value)) if value.parse::<u8>().is_ok() => Ok(known(&value)),
            ("moves", Some(_)) => Err(ControlError::Invalid("a number".to_owned())),
            _ => Err(ControlError::Unknown("no such setting".to_owned())),
        })
    }
    fn backup(&self) -> BoxFuture<'_, ControlResult<BackupView>> {
        ready(Ok(backup("none", None)))
    }
    fn start_backup(&self, to: String) -> BoxFuture<'_, ControlResult<BackupView>> {
        ready(if to.starts_with('/') {
            Ok(backup("starting", Some(to)))
        } else {
            Err(ControlError::Invalid("a folder".to_owned()))
        })
    }
    fn stop_backup(&self) -> BoxFuture<'_, ControlResult<BackupView>> {
        ready(Err(ControlError::Refused("none is running".to_owned())))
    }
}

fn backup(state: &str, to: Option<String>) -> BackupView {
    BackupView {
        state: state.to_owned(),
        to,
        ..BackupView::default()
    }
}

async fn api(cluster: Option<Arc<dyn ClusterControl>>) -> axum::Router {
    let (env, _) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    let access = Access::open(directory.clone(), &database, env.clone(), AccessOptions::default())
        .await
        .unwrap();
    let way = Router::new(env.clone(), hongyan_actor::Arbiters::start(1));
    router(AdminState {
        single_sign_on: None,
        saml: None,
        ldap: None,
        certificates: None,
        deleted_mail_kept: std::time::Duration::from_secs(14 * 86_400),
        recalls: hongyan_http_admin::Recalling::default(),
        webhooks: hongyan_webhook::Webhooks::closed(directory.clone()),
        counts: hongyan_statistics::Counts::new(
            directory.clone(),
            database.clone(),
            hongyan_statistics::StatisticsOptions::default(),
        ),
        migrations: hongyan_migration::Migrations::with_defaults(env.clone(), directory.clone(), way.clone()).unwrap(),
        tasks: Tasks::new(env, directory.clone(), way.clone(), UpkeepOptions::default()),
        directory,
        access,
        router: way,
        publishing: None,
        cluster,
        secrets: None,
    })
    .layer(Extension(Actor::socket()))
}

async fn call(api: &axum::Router, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = api.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status.as_u16(), serde_json::from_slice(&bytes).unwrap())
}

#[test]
fn a_node_alone_says_so() {
    hongyan_actor::run(0, async {
        let api = api(None).await;
        for (method, path) in [
            ("GET", "/api/cluster"),
            ("POST", "/api/cluster/nodes/1/drain"),
            ("POST", "/api/cluster/rebalance"),
            ("GET", "/api/cluster/settings"),
        ] {
            let (status, problem) = call(&api, method, path, json!({})).await;
            assert_eq!((status, &problem["type"]), (409, &json!("no-cluster")), "{path}");
            assert_eq!(problem["detail"], "this node is not part of a cluster");
        }
    });
}

#[test]
fn what_is_asked_of_the_cluster_is_answered() {
    hongyan_actor::run(0, async {
        let api = api(Some(Arc::new(Scripted))).await;
        let api = &api;
        let nothing = || json!({});
        let status = call(api, "GET", "/api/cluster", nothing()).await;
        assert_eq!(
            (status.0, &status.1["leader"], &status.1["this_node"]),
            (200, &json!(1), &json!(2))
        );
        let hour = call(api, "POST", "/api/cluster/invitations", nothing()).await;
        assert_eq!((hour.0, &hour.1["expires_millis"]), (201, &json!(3_600_000)));
        for secs in [0, 604_801] {
            let asked = json!({ "lifetime_secs": secs });
            assert_eq!(call(api, "POST", "/api/cluster/invitations", asked).await.0, 400);
        }
        for (action, state) in [("drain", json!("draining")), ("resume", json!("up"))] {
            let told = call(api, "POST", &format!("/api/cluster/nodes/2/{action}"), nothing()).await;
            assert_eq!((told.0, &told.1["state"]), (200, &state));
        }
        for (path, expected) in [
            ("/api/cluster/nodes/9/drain", 404),
            ("/api/cluster/nodes/2/leave", 409),
            ("/api/cluster/nodes/2/dance", 404),
            ("/api/cluster/nodes/two/drain", 400),
            ("/api/cluster/rebalance", 503),
        ] {
            assert_eq!(call(api, "POST", path, nothing()).await.0, expected, "{path}");
        }
        let heavier = call(api, "PATCH", "/api/cluster/nodes/2", json!({"weight": 200})).await;
        assert_eq!((heavier.0, &heavier.1["weight"]), (200, &json!(200)));
        assert_eq!(
            call(api, "PATCH", "/api/cluster/nodes/2", json!({"mass": 2})).await.0,
            400
        );
    });
}

#[test]
fn settings_are_listed_set_and_cleared() {
    hongyan_actor::run(0, async {
        let api = api(Some(Arc::new(Scripted))).await;
        let api = &api;
        let nothing = || json!({});
        let all = call(api, "GET", "/api/cluster/settings", nothing()).await;
        assert_eq!((all.0, &all.1[0]["key"]), (200, &json!("moves")));
        let path = "/api/cluster/settings/moves";
        assert_eq!(call(api, "GET", path, nothing()).await.1["default"], "16");
        assert_eq!(call(api, "GET", "/api/cluster/settings/other", nothing()).await.0, 404);
        let set = call(api, "PUT", path, json!({"value": "32"})).await;
        assert_eq!(
            (set.0, &set.1["value"], &set.1["set"]),
            (200, &json!("32"), &json!(true))
        );
        assert_eq!(call(api, "PUT", path, json!({"value": "many"})).await.0, 400);
        let other = call(api, "PUT", "/api/cluster/settings/other", json!({"value": "1"})).await;
        assert_eq!(other.0, 404);
        assert_eq!(call(api, "DELETE", path, nothing()).await.1["set"], false);
    });
}

#[test]
fn a_backup_is_begun_shown_and_ended() {
    hongyan_actor::run(0, async {
        let api = api(Some(Arc::new(Scripted))).await;
        let path = "/api/cluster/backup";
        assert_eq!(call(&api, "GET", path, json!({})).await.1["state"], "none");
        let begun = call(&api, "POST", path, json!({"to": "/srv/backup"})).await;
        assert_eq!((begun.0, &begun.1["to"]), (201, &json!("/srv/backup")));
        assert_eq!(call(&api, "POST", path, json!({"to": "backup"})).await.0, 400);
        assert_eq!(call(&api, "POST", path, json!({})).await.0, 400);
        assert_eq!(call(&api, "DELETE", path, json!({})).await.0, 409);
    });
}
