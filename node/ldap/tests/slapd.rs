//! OpenLDAP's server for real: STARTTLS and TLS, pages, departments from its tree, and passwords that it proves. Skipped by name
//! where slapd is not installed.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hongyan_access::{Access, Protocol};
use hongyan_directory::Directory;
use hongyan_env::{Env, HeldPort};
use hongyan_fetch::{FetchOptions, Fetcher};
use hongyan_ldap::{
    Action, AttributeRule, Departments, Ldap, LdapChange, LdapOptions, LdapSettings, Master, PersonField,
};
use hongyan_miniature::Organisation;
use hongyan_sasl::Secret;
use hongyan_types::{AddressRanges, TenantId};
use rustls_pki_types::CertificateDer;

const SLAPD: &str = "/usr/sbin/slapd";
const SLAPADD: &str = "/usr/sbin/slapadd";
const BASE: &str = "dc=example,dc=test";
const PEOPLE: usize = 25;
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A running server; ends with the test.
struct Server {
    child: Child,
    plain: u16,
    tls: u16,
    root: CertificateDer<'static>,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
         pidfile {folder}/pid\nTLSCertificateFile {folder}/cert.pem\nTLSCertificateKeyFile {folder}/key.pem\n\
         database mdb\nsuffix \"{BASE}\"\nrootdn \"cn=admin,{BASE}\"\nrootpw admin-secret\ndirectory {folder}/data\n"
    )
}

fn entries() -> String {
    let mut text = format!(
        "dn: {BASE}\nobjectClass: domain\ndc: example\n\ndn: ou=HQ,{BASE}\nobjectClass: organizationalUnit\nou: HQ\n\n\
         dn: ou=Sales,ou=HQ,{BASE}\nobjectClass: organizationalUnit\nou: Sales\n\n"
    );
    for number in 0..PEOPLE {
        text += &format!(
            "dn: uid=p{number},ou=Sales,ou=HQ,{BASE}\nobjectClass: inetOrgPerson\nuid: p{number}\ncn: Person {number}\n\
             sn: Person\ndisplayName: Person {number}\nmail: p{number}@example.test\nuserPassword: secret-{number}\n\n"
        );
    }
    text
}

async fn start(env: &Env) -> Option<Server> {
    if !Path::new(SLAPD).exists() || !Path::new(SLAPADD).exists() {
        eprintln!("SKIPPED people from OpenLDAP: slapd is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("data")).unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(at("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(at("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(at("slapd.conf"), configuration(folder.path())).unwrap();
    std::fs::write(at("people.ldif"), entries()).unwrap();
    let loaded = Command::new(SLAPADD)
        .arg("-f")
        .arg(at("slapd.conf"))
        .arg("-l")
        .arg(at("people.ldif"))
        .output()
        .unwrap();
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    let (plain, tls) = (HeldPort::any().unwrap(), HeldPort::any().unwrap());
    let ports = (plain.port(), tls.port());
    drop((plain, tls));
    let child = Command::new(SLAPD)
        .args(["-d", "0", "-h"])
        .arg(format!("ldap://127.0.0.1:{} ldaps://127.0.0.1:{}", ports.0, ports.1))
        .arg("-f")
        .arg(at("slapd.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server {
        child,
        plain: ports.0,
        tls: ports.1,
        root: made.cert.der().clone(),
        _folder: folder,
    };
    for _ in 0..600 {
        if env.connect(([127, 0, 0, 1], server.tls).into()).await.is_ok() {
            return Some(server);
        }
        env.sleep(Duration::from_millis(100)).await;
    }
    panic!("slapd does not listen");
}

fn settings(url: String) -> LdapSettings {
    let rule = |field, attribute: &str| AttributeRule {
        field,
        attribute: attribute.to_owned(),
        master: Master::Directory,
    };
    LdapSettings {
        url,
        bind_name: format!("cn=admin,{BASE}"),
        password: Some(Secret::new("admin-secret")),
        base: BASE.to_owned(),
        filter: "(&(objectClass=inetOrgPerson)(!(uid=p0)))".to_owned(),
        identifier: "entryUUID".to_owned(),
        rules: vec![
            rule(PersonField::Address, "mail"),
            rule(PersonField::DisplayName, "displayName"),
        ],
        departments: Departments::Units,
        department_master: Master::Directory,
        adopt: false,
        every_minutes: 0,
        disable_percent_max: 10,
        bind_sign_in: true,
    }
}

struct Place {
    ldap: Ldap,
    directory: Directory,
    access: Access,
    tenant: TenantId,
}

async fn place(env: &Env, server: &Server) -> Place {
    let Organisation {
        database,
        directory,
        access,
        tenant,
    } = Organisation::new(env, "example.test").await;
    let fetching = FetchOptions {
        networks: AddressRanges::read(&["127.0.0.1"]).unwrap().0,
        roots: vec![server.root.clone()],
        ..FetchOptions::default()
    };
    // Pages are short, so that there are several; a bind may take its time on a busy machine.
    let options = LdapOptions {
        page_entries: 10,
        bind_within: Duration::from_secs(60),
        ..LdapOptions::default()
    };
    let fetcher = Fetcher::new(env.clone(), fetching).unwrap();
    let ldap = Ldap::new(
        env.clone(),
        database,
        directory.clone(),
        access.clone(),
        fetcher,
        options,
    );
    access.prove_outside(Arc::new(ldap.clone()));
    Place {
        ldap,
        directory,
        access,
        tenant,
    }
}

#[tokio::test]
async fn org_14_people_of_openldap_become_members() {
    let env = Env::real();
    let Some(server) = start(&env).await else { return };
    let place = place(&env, &server).await;
    for url in [
        format!("ldap://127.0.0.1:{}", server.plain),
        format!("ldaps://127.0.0.1:{}", server.tls),
    ] {
        let change = LdapChange {
            settings: settings(url),
            keep_password: false,
        };
        place
            .ldap
            .set_settings(&place.directory, place.tenant, &change)
            .await
            .unwrap();
        let checked = place.ldap.check(place.tenant).await.unwrap();
        assert_eq!((checked.entries, checked.more), (10, true));
        let plan = place.ldap.plan(place.tenant).await.unwrap();
        assert_eq!(plan.entries.len(), PEOPLE - 1);
        assert!(plan.entries.iter().all(|planned| planned.action == Action::Create));
    }
    let plan = place.ldap.plan(place.tenant).await.unwrap();
    let applying = place
        .ldap
        .applying(&place.directory, place.tenant, false)
        .await
        .unwrap();
    for planned in &plan.entries {
        assert_eq!(applying.apply(planned).await.unwrap(), []);
    }
    let departments = place.directory.departments(place.tenant).await.unwrap();
    let names: Vec<String> = departments.into_iter().map(|view| view.department.name).collect();
    assert_eq!(names, ["HQ", "Sales"]);
    let sign_in = async |password: &str| {
        let name = "p3@example.test";
        place
            .access
            .verify_password(Protocol::Imap, name, &Secret::new(password), PEER)
            .await
    };
    sign_in("secret-3").await.unwrap();
    assert!(sign_in("secret-4").await.is_err());
}
