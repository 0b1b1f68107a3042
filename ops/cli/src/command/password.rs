//! A new password: asked for twice at a terminal, which does not show it; else the first line of standard input.

use std::io::{self, BufRead, IsTerminal};

use anyhow::{Context, Result, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Reads it.
pub(super) fn read() -> Result<String> {
    let input = io::stdin();
    if !input.is_terminal() {
        return line();
    }
    let silence = Silence::begin()?;
    eprint!("Password: ");
    let password = line();
    eprint!("\nOnce more: ");
    let again = line();
    eprintln!();
    drop(silence);
    let password = password?;
    if password != again? {
        bail!("the two passwords differ");
    }
    Ok(password)
}

/// Reads one that exists already: asked for once.
pub(super) fn once() -> Result<String> {
    if !io::stdin().is_terminal() {
        return line();
    }
    let silence = Silence::begin()?;
    eprint!("Password: ");
    let password = line();
    eprintln!();
    drop(silence);
    password
}

/// The next line of standard input.
fn line() -> Result<String> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .context("read the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!("no password on standard input");
    }
    Ok(password)
}

/// While it lives, the terminal does not show what is typed.
struct Silence(Termios);

impl Silence {
    fn begin() -> Result<Self> {
        let before = tcgetattr(io::stdin()).context("ask the terminal")?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent).context("silence the terminal")?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that has gone has nothing to show.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
