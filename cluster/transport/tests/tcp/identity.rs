//! Who is let in, and what the others are told.

use std::sync::Arc;

use bytes::Bytes;
use hongyan_env::Env;
use hongyan_transport::{
    Admission, AdmitAll, CallError, Credentials, CredentialsError, NodeId, TcpTransport, TcpTransportParts, Transport,
};

use crate::harness::*;

/// Calls the node behind `to` with strange credentials; what is said then.
async fn refused(authority: &Authority, own: NodeId, credentials: Credentials, to: &Node) -> String {
    let transport = TcpTransport::start(TcpTransportParts {
        env: Env::real(),
        cluster: authority.cluster.clone(),
        node: own,
        incarnation: 1,
        credentials,
        options: options(),
    })
    .unwrap();
    transport.set_address(TWO, to.address);
    let reply = transport.call(TWO, ECHO, Bytes::new(), WITHIN).await;
    assert_eq!(reply, Err(CallError::Unreachable));
    transport.status(TWO).last_error.unwrap()
}

#[tokio::test]
async fn certificates_of_another_cluster_and_expired_ones_are_refused() {
    let (authority, _one, two) = pair().await;
    let foreign = Authority::new("test");
    let said = refused(&authority, NodeId(3), foreign.credentials(NodeId(3)), &two).await;
    assert_eq!(said, "the other node's certificate is of another cluster");
    let expired = authority.named(&authority.cluster.node_name(NodeId(3)), 2001);
    let said = refused(&authority, NodeId(3), expired, &two).await;
    assert_eq!(said, "the other node refuses our certificate: it has expired");
    assert_eq!(two.echo.calls.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_expired_node_is_not_called() {
    let authority = Authority::new("test");
    let env = Env::real();
    let listener = env.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_address().unwrap();
    let old = TcpTransport::start(TcpTransportParts {
        env,
        cluster: authority.cluster.clone(),
        node: TWO,
        incarnation: 1,
        credentials: authority.named(&authority.cluster.node_name(TWO), 2001),
        options: options(),
    })
    .unwrap();
    old.listen(listener);
    let one = start(&authority, ONE).await;
    one.transport.set_address(TWO, address);
    let reply = one.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await;
    assert_eq!(reply, Err(CallError::Unreachable));
    let said = one.transport.status(TWO).last_error.unwrap();
    assert_eq!(said, "the other node's certificate has expired");
}

#[tokio::test]
async fn a_node_cannot_call_itself_another_and_an_address_must_belong_to_its_node() {
    let (authority, one, two) = pair().await;
    let wrong = TcpTransport::start(TcpTransportParts {
        env: Env::real(),
        cluster: authority.cluster.clone(),
        node: NodeId(4),
        incarnation: 1,
        credentials: authority.credentials(NodeId(3)),
        options: options(),
    });
    assert!(matches!(wrong, Err(CredentialsError::WrongName(name)) if name == "node-4.test.hongyan.internal"));
    one.transport.set_address(NodeId(7), two.address);
    let reply = one.transport.call(NodeId(7), ECHO, Bytes::new(), WITHIN).await;
    assert_eq!(reply, Err(CallError::Unreachable));
    let said = one.transport.status(NodeId(7)).last_error.unwrap();
    assert_eq!(said, "the address belongs to another node than expected");
}

struct Nobody;

impl Admission for Nobody {
    fn admit(&self, node: NodeId, _: &[u8]) -> Result<(), String> {
        Err(format!("node {node} has left the cluster"))
    }
}

#[tokio::test]
async fn a_node_that_left_is_turned_away() {
    let (_authority, one, two) = pair().await;
    one.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await.unwrap();
    two.transport.set_admission(Arc::new(Nobody));
    two.transport.forget(ONE);
    while one.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await.is_ok() {}
    loop {
        let _ = one.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await;
        let said = one.transport.status(TWO).last_error;
        if said.as_deref() == Some("the other node turns us away: node 1 has left the cluster") {
            break;
        }
    }
}

#[tokio::test]
async fn the_older_of_two_processes_with_one_identity_learns_of_it() {
    let (authority, one, two) = pair().await;
    one.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await.unwrap();
    let later = start_with(&authority, ONE, 2, options()).await;
    later.transport.set_address(TWO, two.address);
    later.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await.unwrap();
    let mut superseded = one.transport.superseded();
    while !*superseded.borrow_and_update() {
        let _ = one.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await;
    }
    let said = one.transport.status(TWO).last_error.unwrap();
    assert_eq!(
        said,
        "the other node turns us away: a later process than this one runs as node 1"
    );
    later.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await.unwrap();
}

struct OnlyFirstLives;

impl Admission for OnlyFirstLives {
    fn admit(&self, _: NodeId, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
    fn admit_life(&self, node: NodeId, incarnation: u64) -> Result<(), String> {
        if incarnation == 1 {
            return Ok(());
        }
        Err(format!("node {node} lives"))
    }
}

#[tokio::test]
async fn a_copy_of_a_node_that_lives_is_kept_out_and_disturbs_it_not() {
    let (authority, one, two) = pair().await;
    two.transport.set_admission(Arc::new(OnlyFirstLives));
    let copy = start_with(&authority, ONE, 2, options()).await;
    copy.transport.set_address(TWO, two.address);
    let reply = copy.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await;
    assert_eq!(reply, Err(CallError::Unreachable));
    let all = copy.transport.all_status();
    assert_eq!(all[0].turned_away.as_deref(), Some("node 1 lives"));
    one.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await.unwrap();
    assert!(!*one.transport.superseded().borrow());
    two.transport.set_admission(Arc::new(AdmitAll));
    while copy.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await.is_err() {}
    assert_eq!(copy.transport.all_status()[0].turned_away, None);
}

#[tokio::test]
async fn renewed_credentials_are_shown_from_the_next_handshake_on() {
    let (authority, one, two) = pair().await;
    one.transport.set_credentials(authority.credentials(ONE)).unwrap();
    assert!(one.transport.set_credentials(authority.credentials(TWO)).is_err());
    one.transport.call(TWO, ECHO, Bytes::new(), WITHIN).await.unwrap();
    two.transport.set_credentials(authority.credentials(TWO)).unwrap();
    two.transport.call(ONE, ECHO, Bytes::new(), WITHIN).await.unwrap();
}
