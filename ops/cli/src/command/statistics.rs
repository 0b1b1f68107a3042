//! `hongyan statistics`

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::Whose;
use crate::client::{Client, encode};
use crate::output::{self, Style};

/// Which days.
#[derive(Debug, Clone, clap::Args)]
pub struct Days {
    /// The first day, such as 2026-11-01.
    #[arg(long)]
    from: Option<String>,
    /// The last day.
    #[arg(long)]
    until: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

impl Days {
    fn query(&self) -> String {
        let mut query = self.whose.query();
        for (name, day) in [("from", &self.from), ("until", &self.until)] {
            if let Some(day) = day {
                query.push_str(&format!("{name}={}&", encode(day)));
            }
        }
        query
    }
}

#[derive(Debug, Subcommand)]
pub enum Statistics {
    /// The last week beside the one before.
    Overview {
        #[command(flatten)]
        whose: Whose,
    },
    /// What was sent and got, day by day.
    Days(Days),
    /// What each member has sent and got, and how often they have signed in.
    Members(Days),
    /// The same into a CSV file.
    Export {
        /// Where to.
        file: std::path::PathBuf,
        #[command(flatten)]
        days: Days,
    },
    /// What room each member's mail takes.
    Capacity {
        #[command(flatten)]
        whose: Whose,
    },
    /// Who has not signed in within some days.
    Absent {
        /// How many.
        #[arg(long, default_value = "30")]
        days: u32,
        #[command(flatten)]
        whose: Whose,
    },
    /// The time zone of the organisation's days.
    TimeZone {
        /// Such as Asia/Shanghai; shown when left out.
        zone: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
}

pub(crate) async fn run(command: &Statistics, client: &Client, style: Style) -> Result<()> {
    match command {
        Statistics::Overview { whose } => {
            let overview = client
                .get(&format!("/api/statistics/overview{}", whose.suffix()))
                .await?;
            output::item(style, &overview);
        }
        Statistics::Days(days) => {
            let found = client.get(&format!("/api/statistics/days?{}", days.query())).await?;
            output::list(
                style,
                &found["items"],
                &["day", "sent", "received", "sign_ins", "accounts"],
            );
        }
        Statistics::Members(days) => {
            let items = client.list("/api/statistics/members", &days.query()).await?;
            let columns = ["address", "display_name", "deleted", "sent", "received", "sign_ins"];
            output::list(style, &items, &columns);
        }
        Statistics::Export { file, days } => {
            let path = format!("/api/statistics/members/export?{}", days.query());
            std::fs::write(file, client.download(&path).await?)?;
            output::done(style, &format!("{} is written", file.display()));
        }
        Statistics::Capacity { whose } => {
            let items = client.list("/api/statistics/capacity", &whose.query()).await?;
            output::list(style, &items, &["address", "octets", "octets_max", "messages"]);
        }
        Statistics::Absent { days, whose } => {
            let query = format!("{}days={days}&signed_in=false&", whose.query());
            let items = client.list("/api/statistics/sign-ins", &query).await?;
            output::list(style, &items, &["address", "display_name", "state"]);
        }
        Statistics::TimeZone { zone, whose } => {
            let path = format!("/api/statistics/settings{}", whose.suffix());
            let settings = match zone {
                Some(zone) => client.put(&path, json!({"time_zone": zone})).await?,
                None => client.get(&path).await?,
            };
            output::item(style, &settings);
        }
    }
    Ok(())
}
