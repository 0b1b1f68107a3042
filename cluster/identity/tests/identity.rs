//! Authorities, files, joining, renewal, withdrawal.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use hongyan_env::{BoxFuture, Env};
use hongyan_identity::{
    Admitting, Authority, Granted, Identity, IdentityError, IdentityFile, JoinError, JoinOptions, JoinToken,
    KeyRequest, NodeKey, Register, Standing, TokenHash, join, renew_forever, renewal_due_millis, serve_joins,
};
use hongyan_transport::{Admission, ClusterId, NodeId};
use parking_lot::{Mutex, RwLock};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn cluster() -> ClusterId {
    ClusterId::from_random(0xabc)
}

fn identity(env: &Env, authority: &Authority, node: u64) -> Identity {
    let key = NodeKey::generate().unwrap();
    let request = key.request().unwrap();
    let signed = authority
        .sign(env, &request, (&cluster(), NodeId(node)), DAY * 90)
        .unwrap();
    Identity {
        certificate_pem: signed,
        key_pem: key.to_pem(),
        authority_pem: authority.certificate_pem().to_owned(),
    }
}

#[test]
fn a_certificate_says_which_node_it_is_and_how_long() {
    let (env, _) = Env::manual(1);
    let authority = Authority::create(&env, &cluster(), DAY * 7300).unwrap();
    let again = Authority::from_pem(authority.certificate_pem().into(), authority.key_pem().into()).unwrap();
    assert_eq!(again.fingerprint().unwrap(), authority.fingerprint().unwrap());
    let one = identity(&env, &again, 7);
    assert_eq!(one.node().unwrap(), (cluster(), NodeId(7)));
    let facts = one.facts().unwrap();
    assert_eq!(facts.names, ["node-7.0000000000000abc.hongyan.internal"]);
    assert_eq!(facts.not_after_millis - env.wall_millis(), 90 * 24 * 3600 * 1000);
    assert_eq!(facts.serial.len(), 32);
    assert_ne!(facts.serial, identity(&env, &authority, 7).facts().unwrap().serial);
    assert!(one.credentials().is_ok());
    let broken = KeyRequest(b"nonsense".to_vec());
    let refused = authority.sign(&env, &broken, (&cluster(), NodeId(1)), DAY);
    assert!(matches!(refused, Err(IdentityError::Malformed(_))));
}

#[test]
fn the_file_is_its_owners_alone_and_changes_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (env, _) = Env::manual(1);
    let authority = Authority::create(&env, &cluster(), DAY * 7300).unwrap();
    let file = IdentityFile(folder.path().join("identity.pem"));
    assert_eq!(file.load().unwrap(), None);
    for node in [1, 2] {
        let written = identity(&env, &authority, node);
        file.store(&written).unwrap();
        let read = file.load().unwrap().unwrap();
        assert_eq!(read.node().unwrap(), written.node().unwrap());
        assert_eq!(read.facts().unwrap(), written.facts().unwrap());
        assert!(read.credentials().is_ok());
    }
    let mode = std::fs::metadata(&file.0).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&file.0, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(file.load(), Err(IdentityError::Exposed(_))));
    std::fs::set_permissions(&file.0, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = std::fs::read_to_string(&file.0).unwrap();
    std::fs::write(&file.0, &text[..text.len() / 2]).unwrap();
    assert!(matches!(file.load(), Err(IdentityError::Malformed(_))));
}

/// Admits who shows a known token, once.
struct Door {
    env: Env,
    authority: Authority,
    tokens: Mutex<BTreeSet<TokenHash>>,
}

impl Admitting for Door {
    fn admit(&self, token: TokenHash, key: KeyRequest, about: Vec<u8>) -> BoxFuture<'_, Result<Granted, String>> {
        Box::pin(async move {
            if !self.tokens.lock().remove(&token) {
                return Err("the token is unknown, used or expired".to_owned());
            }
            let signed = self.authority.sign(&self.env, &key, (&cluster(), NodeId(2)), DAY * 90);
            Ok(Granted {
                certificate_pem: signed.map_err(|error| error.to_string())?,
                welcome: [b"hello ", &about[..]].concat(),
            })
        })
    }
}

#[tokio::test]
async fn a_node_joins_with_a_token_once_and_only_the_cluster_of_its_token() {
    let env = Env::real();
    let authority = Authority::create(&env, &cluster(), DAY * 7300).unwrap();
    let fingerprint = authority.fingerprint().unwrap();
    let member = identity(&env, &authority, 1);
    let listener = env.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_address().unwrap();
    // A member that is gone is passed over.
    let gone = env
        .listen(([127, 0, 0, 1], 0).into())
        .await
        .unwrap()
        .local_address()
        .unwrap();
    let token = JoinToken::create(&env, fingerprint, vec![gone, address]);
    let door = Door {
        env: env.clone(),
        authority,
        tokens: Mutex::new(BTreeSet::from([token.hash()])),
    };
    let shown = Arc::new(RwLock::new(member));
    let serving = serve_joins(env.clone(), listener, shown, Arc::new(door), JoinOptions::default());
    tokio::spawn(serving);
    let token: JoinToken = token.to_string().parse().unwrap();
    let joined = join(&env, &token, b"node two".to_vec()).await.unwrap();
    assert_eq!(joined.identity.node().unwrap(), (cluster(), NodeId(2)));
    assert_eq!(joined.welcome, b"hello node two");
    assert!(joined.identity.credentials().is_ok());
    let again = join(&env, &token, Vec::new()).await;
    assert!(matches!(again, Err(JoinError::Refused(text)) if text.contains("unknown, used or expired")));
    let elsewhere = Authority::create(&env, &cluster(), DAY).unwrap().fingerprint().unwrap();
    let wrong = JoinToken::create(&env, elsewhere, vec![address]);
    assert!(matches!(join(&env, &wrong, Vec::new()).await, Err(JoinError::Stranger)));
    let nobody = JoinToken::create(&env, fingerprint, vec![gone]);
    assert!(matches!(
        join(&env, &nobody, Vec::new()).await,
        Err(JoinError::Unreachable(_))
    ));
}

#[tokio::test]
async fn a_certificate_is_renewed_at_two_thirds_of_its_life() {
    let folder = tempfile::tempdir().unwrap();
    let (env, clock) = Env::manual(1);
    let authority = Arc::new(Authority::create(&env, &cluster(), DAY * 7300).unwrap());
    let file = IdentityFile(folder.path().join("identity.pem"));
    let first = identity(&env, &authority, 3);
    file.store(&first).unwrap();
    let due = renewal_due_millis(&first.facts().unwrap()) - env.wall_millis();
    assert!((59 * 86_400_000..=60 * 86_400_000).contains(&due));
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let (signing, signer_env) = (Arc::clone(&authority), env.clone());
    let sign = move |request: KeyRequest| -> BoxFuture<'static, Result<String, String>> {
        let (authority, env) = (Arc::clone(&signing), signer_env.clone());
        Box::pin(async move {
            let signed = authority.sign(&env, &request, (&cluster(), NodeId(3)), DAY * 90);
            signed.map_err(|error| error.to_string())
        })
    };
    let renewing = renew_forever(env.clone(), file.clone(), sign, move |identity| {
        told.send(identity.facts().unwrap()).unwrap();
    });
    let passing = async {
        for _ in 0..59 {
            clock.advance(DAY);
            tokio::task::yield_now().await;
        }
        assert!(heard.try_recv().is_err());
        let mut renewed = Vec::new();
        while renewed.len() < 2 {
            clock.advance(DAY);
            tokio::task::yield_now().await;
            renewed.extend(heard.try_recv());
        }
        renewed
    };
    let renewed = tokio::select! {
        () = renewing => unreachable!("it goes on for ever"),
        renewed = passing => renewed,
    };
    assert_ne!(renewed[0].serial, first.facts().unwrap().serial);
    assert_eq!(file.load().unwrap().unwrap().facts().unwrap(), renewed[1]);
}

#[test]
fn withdrawn_certificates_and_nodes_that_left_are_turned_away() {
    let (env, _) = Env::manual(1);
    let authority = Authority::create(&env, &cluster(), DAY * 7300).unwrap();
    let (old, new) = (identity(&env, &authority, 4), identity(&env, &authority, 4));
    let der = |identity: &Identity| identity.credentials().unwrap().chain[0].to_vec();
    let register = Register::default();
    assert_eq!(register.admit(NodeId(4), &der(&old)), Ok(()));
    let serials = BTreeSet::from([new.facts().unwrap().serial]);
    let nodes = [(NodeId(4), Standing::Member(serials)), (NodeId(5), Standing::Left)];
    register.set(BTreeMap::from(nodes));
    assert_eq!(register.admit(NodeId(4), &der(&new)), Ok(()));
    let said = register.admit(NodeId(4), &der(&old)).unwrap_err();
    assert_eq!(said, "this certificate of node 4 has been withdrawn: join it anew");
    let said = register.admit(NodeId(5), &der(&new)).unwrap_err();
    assert_eq!(said, "node 5 has left the cluster: join it anew");
}
