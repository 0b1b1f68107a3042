//! A mail server elsewhere, to which the queue sends: it counts what it takes, and when the sender must know.

use std::net::SocketAddr;
use std::time::Duration;

use hongyan_env::{Env, Stream};
use hongyan_invariant::{Event, MailId};
use hongyan_workload::content;

use crate::client::{Lost, Wire};
use crate::probe::Probe;
use crate::world::{World, outside_address};

/// By then a sender that has read the reply and lives has written it down, whatever its store did meanwhile.
const WRITTEN_DOWN: Duration = Duration::from_secs(60);

/// Serves for ever.
pub(crate) async fn serve(world: World) {
    let env = world.env(outside_address(), 0x6f75_7473);
    let address = SocketAddr::new(outside_address(), 25);
    let Ok(listener) = env.listen(address).await else {
        return;
    };
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            return;
        };
        let (world, env) = (world.clone(), env.clone());
        tokio::task::spawn_local(async move {
            let _ = converse(&world, &env, stream, peer).await;
        });
    }
}

async fn converse(world: &World, env: &Env, stream: Stream, peer: SocketAddr) -> Result<(), Lost> {
    let mut wire = Wire::over(env, world.recorder().log(), stream);
    wire.send(b"220 mx.outside.test\r\n").await?;
    let mut taken: Option<MailId> = None;
    loop {
        let line = wire.line().await?;
        // Whoever sends the next command has read the reply to the last.
        if let Some(mail) = taken.take() {
            confirm_later(world, peer, mail);
        }
        let verb = String::from_utf8_lossy(line.get(..4).unwrap_or_default()).to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => wire.send(b"250 mx.outside.test\r\n").await?,
            "DATA" => {
                wire.send(b"354 go on\r\n").await?;
                let mut text = Vec::new();
                loop {
                    let line = wire.line().await?;
                    if line == b".\r\n" {
                        break;
                    }
                    text.extend(line);
                }
                taken = content::number(&text);
                if let Some(mail) = taken {
                    world.recorder().event(Event::Received { mail });
                    world.recorder().probe(Probe::Relayed);
                }
                wire.send(b"250 taken\r\n").await?;
            }
            "QUIT" => {
                wire.send(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => wire.send(b"250 fine\r\n").await?,
        }
    }
}

/// Confirms the mail when the node that sent it lives on for long enough.
fn confirm_later(world: &World, peer: SocketAddr, mail: MailId) {
    let node = (0..world.nodes()).find(|node| crate::world::node_address(*node) == peer.ip());
    let Some(node) = node else { return };
    let (world, life) = (world.clone(), world.lives(node));
    tokio::task::spawn_local(async move {
        tokio::time::sleep(WRITTEN_DOWN).await;
        if world.lives(node) == life && world.with_node(node, |_| ()).is_some() {
            world.recorder().event(Event::Confirmed { mail });
        }
    });
}
