//! An import of 10,000 rows into a store on disk: looked over and taken.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_audit::Author;
use hongyan_directory::{Directory, DirectoryOptions, NewTenant};
use hongyan_embedded::{EmbeddedOptions, EmbeddedStore};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_router::Router;
use hongyan_types::Domain;
use hongyan_upkeep::{ImportMembers, SheetFormat, TaskEntity, TaskServices, TaskState, Tasks, UpkeepOptions};

const ROWS: u32 = 10_000;

fn file() -> String {
    let mut text = "name,address,account id,mobile,title,departments\n".to_owned();
    for n in 0..ROWS {
        let (division, team) = (n % 20, n % 200);
        text.push_str(&format!(
            "User {n},user{n}@d.test,E{n},+86138{n:08},Engineer,D{division}/T{team}\n"
        ));
    }
    text
}

async fn import() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let env = Env::real();
    let database = Database::new(EmbeddedStore::open(folder.path(), EmbeddedOptions::default()).unwrap());
    let directory = Directory::new(database, env.clone(), DirectoryOptions::default());
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("d.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    let arbiters = Arbiters::start(1);
    let router = Router::new(env.clone(), arbiters.clone());
    let services = TaskServices {
        env: env.clone(),
        directory: directory.clone(),
        ldap: None,
        lists: hongyan_upkeep::Lists::default(),
        mail: None,
    };
    router.serve_everywhere::<TaskEntity>(services, EntityOptions::default());
    let tasks = Tasks::new(env.clone(), directory, router, UpkeepOptions::default());
    let import = ImportMembers {
        head: Vec::new(),
        domain: None,
        department: None,
        dry_run: false,
        take_good: false,
        invited: false,
    };
    let (begin, octets) = (env.now_micros(), file().into_bytes());
    let begun = tasks.import_members(tenant, Author::system(), import, SheetFormat::Csv, octets.into());
    let id = begun.await.unwrap().id;
    let done = loop {
        let task = tasks.show(tenant, id).await.unwrap();
        if task.state != TaskState::Running {
            break task;
        }
        env.sleep(Duration::from_millis(10)).await;
    };
    let took = Duration::from_micros(env.now_micros() - begin);
    assert_eq!(
        (done.state, done.good),
        (TaskState::Done, u64::from(ROWS)),
        "{}",
        done.note
    );
    arbiters.stop(&env, Duration::ZERO).await;
    took
}

fn bench(criterion: &mut Criterion) {
    criterion.bench_function("import_10000_rows", |bench| {
        bench.iter_custom(|times| {
            let mut total = Duration::ZERO;
            for _ in 0..times {
                let (said, told) = std::sync::mpsc::channel();
                hongyan_actor::run(1, async move { said.send(import().await).unwrap() });
                total += told.recv().unwrap();
            }
            total
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(20));
    targets = bench
}
criterion_main!(benches);
