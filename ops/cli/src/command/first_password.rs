//! `hongyan member first-passwords`: a sheet with a row, or a slip, for each.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::Whose;
use crate::client::Client;
use crate::output::{self, Style};

/// Members asked for at once.
const AT_ONCE: usize = 50;

#[derive(Debug, Args)]
pub struct HandOut {
    /// Addresses of the members; all who are still to come when left out.
    members: Vec<String>,
    /// A new file for the sheet: .csv, or .html to print and cut.
    #[arg(long)]
    sheet: PathBuf,
    #[command(flatten)]
    whose: Whose,
}

pub(crate) async fn hand_out(asked: &HandOut, client: &Client, style: Style) -> Result<()> {
    let path = &asked.sheet;
    let is_page = match path.extension().and_then(|end| end.to_str()) {
        Some("html") => true,
        Some("csv") => false,
        _ => bail!("{}: a sheet is a .csv or .html file", path.display()),
    };
    // Before a password is made that could not be written.
    let mut file = create(path)?;
    let mut sheet = Sheet::default();
    let outcome = match asked.members.is_empty() {
        true => sheet.all(client, asked).await,
        false => sheet.named(client, asked).await,
    };
    let text = match is_page {
        true => sheet.page(),
        false => sheet.csv(),
    };
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("write {}", path.display()))?;
    outcome?;
    for member in &sheet.left_out {
        eprintln!("{member} has a password already, or must not sign in: nothing was changed");
    }
    output::done(style, &written(sheet.rows.len(), path));
    Ok(())
}

fn written(count: usize, path: &Path) -> String {
    let path = path.display();
    match count {
        1 => format!("1 first password is in {path}"),
        _ => format!("{count} first passwords are in {path}"),
    }
}

/// A file that is not there yet, and that nobody else reads.
fn create(path: &Path) -> Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).with_context(|| format!("create {}", path.display()))
}

/// A person on the sheet.
struct Row {
    name: String,
    address: String,
    password: String,
}

#[derive(Default)]
struct Sheet {
    sign_in: String,
    rows: Vec<Row>,
    left_out: Vec<String>,
}

impl Sheet {
    async fn all(&mut self, client: &Client, asked: &HandOut) -> Result<()> {
        loop {
            let before = self.rows.len();
            let more = self.ask(client, None, asked).await?;
            if !more || self.rows.len() == before {
                return Ok(());
            }
        }
    }

    async fn named(&mut self, client: &Client, asked: &HandOut) -> Result<()> {
        for members in asked.members.chunks(AT_ONCE) {
            self.ask(client, Some(members), asked).await?;
        }
        Ok(())
    }

    /// Asks for some more; whether there are others.
    async fn ask(&mut self, client: &Client, members: Option<&[String]>, asked: &HandOut) -> Result<bool> {
        let body = json!({"members": members, "organisation": asked.whose.organisation});
        let made = client.post("/api/first-passwords", body).await?;
        made["sign_in"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut self.sign_in);
        for item in made["items"].as_array().into_iter().flatten() {
            let text = |field: &str| item[field].as_str().unwrap_or_default().to_owned();
            match item["password"].as_str() {
                Some(password) => self.rows.push(Row {
                    name: text("display_name"),
                    address: text("member"),
                    password: password.to_owned(),
                }),
                None => self.left_out.push(text("member")),
            }
        }
        Ok(made["more"] == Value::Bool(true))
    }

    fn csv(&self) -> String {
        // The mark lets spreadsheet programs read Chinese.
        let mut text = "\u{feff}name,address,first password,sign in at\r\n".to_owned();
        for row in &self.rows {
            let cells = [&row.name, &row.address, &row.password, &self.sign_in].map(|cell| quoted(cell));
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
        text
    }

    fn page(&self) -> String {
        let slip = |row: &Row| {
            let [name, address, password, place] =
                [&row.name, &row.address, &row.password, &self.sign_in].map(|text| escaped(text));
            format!(
                "<section><h2>{name}</h2><dl><dt>邮箱地址 Address<dd>{address}<dt>初始密码 First password<dd><code>{password}</code>\
                 <dt>登录页面 Sign in at<dd>{place}</dl><p>首次登录时须更改密码。You choose a password of your own when you first \
                 sign in.</section>\n"
            )
        };
        let slips: String = self.rows.iter().map(slip).collect();
        format!(
            "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>初始密码 First passwords</title><style>\
             body{{font:11pt sans-serif}}section{{border-bottom:1px dashed;padding:8mm 4mm;break-inside:avoid}}\
             h2{{margin:0 0 3mm;font-size:13pt}}dt{{float:left;clear:left;width:45mm}}dd{{margin-left:48mm}}\
             code{{font-size:13pt}}</style>\n{slips}</html>\n"
        )
    }
}

/// A cell that spreadsheet programs take for a text.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mem_7_a_sheet_has_a_row_for_each_and_nothing_that_acts() {
        let row = |name: &str| Row {
            name: name.to_owned(),
            address: "a@x.test".to_owned(),
            password: "Kmwp-2734".to_owned(),
        };
        let sheet = Sheet {
            sign_in: "https://mail.x.test/".to_owned(),
            rows: vec![row("王 \"Wang\""), row("=1+1<b>")],
            left_out: Vec::new(),
        };
        assert_eq!(
            sheet.csv(),
            "\u{feff}name,address,first password,sign in at\r\n\
             \"王 \"\"Wang\"\"\",\"a@x.test\",\"Kmwp-2734\",\"https://mail.x.test/\"\r\n\
             \"'=1+1<b>\",\"a@x.test\",\"Kmwp-2734\",\"https://mail.x.test/\"\r\n"
        );
        let page = sheet.page();
        assert_eq!(page.matches("<section>").count(), 2);
        assert!(page.contains("<h2>=1+1&lt;b&gt;</h2>") && !page.contains("<b>"));
    }

    #[test]
    fn one_first_password_is_in_a_file_and_several_are() {
        let path = Path::new("sheet.html");
        assert_eq!(written(1, path), "1 first password is in sheet.html");
        assert_eq!(written(2, path), "2 first passwords are in sheet.html");
        assert_eq!(written(0, path), "0 first passwords are in sheet.html");
    }
}
