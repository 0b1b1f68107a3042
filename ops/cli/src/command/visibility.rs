//! `hongyan visibility`

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use super::Whose;
use super::department_number::{Of, numbers};
use crate::client::Client;
use crate::output::{self, Style};

#[derive(Debug, Subcommand)]
pub enum Visibility {
    /// Show who sees whom in the directory.
    Show {
        #[command(flatten)]
        whose: Whose,
    },
    /// Change who sees whom; what is not named stays.
    Set {
        /// Numbers, names or paths of departments, with commas between them, whose members are seen by each other only; `none` for no
        /// such.
        #[arg(long)]
        hide_departments: Option<String>,
        /// Numbers of tags whose bearers are seen by nobody; `none` for no such.
        #[arg(long)]
        hide_tags: Option<Numbers>,
        /// Whether who is looked for is shown with the department.
        #[arg(long)]
        show_department: Option<Switch>,
        /// And with the title.
        #[arg(long)]
        show_title: Option<Switch>,
        /// And with the phone numbers.
        #[arg(long)]
        show_phones: Option<Switch>,
        /// `4>2,3` or `Interns>Sales`: members of department 4 see 2 and 3 beside their own; several are said one by one, `none` for no
        /// such.
        #[arg(long)]
        confine: Vec<String>,
        #[command(flatten)]
        whose: Whose,
    },
}

/// On or off.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Switch {
    On,
    Off,
}

/// Numbers with commas between them, or `none`.
#[derive(Debug, Clone)]
pub struct Numbers(Vec<u32>);

impl std::str::FromStr for Numbers {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let numbers = text.split(',').map(|number| number.trim().parse());
        let numbers = numbers.collect::<Result<_, _>>();
        numbers
            .map(Self)
            .map_err(|_| "numbers with commas between them, or none")
    }
}

/// The numbers of departments with commas between them; of `none`, none.
async fn departments(client: &Client, whose: &Whose, text: &str) -> Result<Vec<u32>> {
    let said = text.split(',').map(str::trim).filter(|said| *said != "none");
    let said: Vec<String> = said.map(str::to_owned).collect();
    numbers(client, Of::Whose(whose), &said).await
}

async fn confined(client: &Client, whose: &Whose, texts: &[String]) -> Result<Value> {
    let mut all = Vec::new();
    for text in texts.iter().filter(|text| *text != "none") {
        let Some((who, whom)) = text.split_once('>') else {
            bail!("--confine {text}: write it as 4>2,3");
        };
        let (who, see) = (
            departments(client, whose, who).await?,
            departments(client, whose, whom).await?,
        );
        all.push(json!({"departments": who, "see": see}));
    }
    Ok(Value::Array(all))
}

pub(crate) async fn run(command: &Visibility, client: &Client, style: Style) -> Result<()> {
    let path = |whose: &Whose| format!("/api/visibility{}", whose.suffix());
    let value = match command {
        Visibility::Show { whose } => client.get(&path(whose)).await?,
        Visibility::Set {
            hide_departments,
            hide_tags,
            show_department,
            show_title,
            show_phones,
            confine,
            whose,
        } => {
            let mut wanted = client.get(&path(whose)).await?;
            if let Some(text) = hide_departments {
                wanted["hidden_departments"] = json!(departments(client, whose, text).await?);
            }
            if let Some(numbers) = hide_tags {
                wanted["hidden_tags"] = json!(numbers.0);
            }
            for (name, switch) in [
                ("show_department", show_department),
                ("show_title", show_title),
                ("show_phones", show_phones),
            ] {
                if let Some(switch) = switch {
                    wanted[name] = json!(matches!(switch, Switch::On));
                }
            }
            if !confine.is_empty() {
                wanted["confined"] = confined(client, whose, confine).await?;
            }
            client.put(&path(whose), wanted).await?
        }
    };
    output::item(style, &value);
    Ok(())
}
