//! The actor around one entity: activation, batches, passivation.
//!
//! It has two messages, `Wake` and `Passivate`; the requests themselves wait in the intake, so that a batch is
//! everything that waits and the actor's own buffer never holds more than one wake-up.

use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};

use crate::entity_host::Metrics;
use crate::intake::Intake;
use crate::{Entity, Tenure};

#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Wake;

#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Passivate;

pub(crate) struct EntityActor<E: Entity> {
    key: E::Key,
    start: Option<(E::Services, Tenure)>,
    /// Absent while it is activating, handling a batch or passivating.
    entity: Option<E>,
    intake: Arc<Intake<E>>,
    metrics: Metrics,
}

impl<E: Entity> EntityActor<E> {
    pub(crate) fn new(key: E::Key, start: (E::Services, Tenure), intake: Arc<Intake<E>>, metrics: Metrics) -> Self {
        metrics.active.inc();
        Self {
            key,
            start: Some(start),
            entity: None,
            intake,
            metrics,
        }
    }
    fn work(&mut self, context: &mut Context<Self>) {
        let Some(mut entity) = self.entity.take() else { return };
        if self.intake.is_closed() {
            // Cut off: what it has not finished is not for it to finish.
            context.stop();
            return;
        }
        let has_work = entity.has_work();
        let mut batch = self.intake.take(has_work);
        if batch.is_empty() && !has_work {
            self.entity = Some(entity);
            return;
        }
        self.metrics.waiting.sub(i64::try_from(batch.len()).unwrap_or(i64::MAX));
        for envelope in &mut batch {
            envelope.replier.taken_from(Arc::clone(&self.intake) as _);
        }
        let job = async move {
            entity.handle(batch).await;
            entity
        };
        let done = job.into_actor(self).map(|entity: E, actor, context| {
            if entity.is_deposed() {
                // Closed before those who wait hear of it, so that who asks again starts another.
                actor.intake.close();
                actor.metrics.deposed.inc();
                context.stop();
                return;
            }
            actor.intake.set_memory_octets(entity.memory_octets());
            actor.entity = Some(entity);
            actor.work(context);
        });
        context.spawn(done);
    }
}

impl<E: Entity> Actor for EntityActor<E> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let Some((services, tenure)) = self.start.take() else {
            return;
        };
        let (key, places) = (self.key.clone(), Arc::clone(&self.metrics.activating));
        let activation = async move {
            // Many that come at once, as after the death of a node, do not all wait for all: those asked first are first.
            let _place = places.acquire_owned().await;
            E::activate(services, key, tenure).await
        };
        let done = activation.into_actor(self).map(|entity, actor, context| match entity {
            Ok(entity) => {
                actor.metrics.activations.inc();
                actor.intake.set_memory_octets(entity.memory_octets());
                actor.entity = Some(entity);
                actor.work(context);
            }
            Err(error) => {
                actor.metrics.failures.inc();
                tracing::warn!(entity = ?actor.key, %error, "entity did not start");
                context.stop();
            }
        });
        context.spawn(done);
    }
}

impl<E: Entity> Handler<Wake> for EntityActor<E> {
    type Result = ();

    fn handle(&mut self, _: Wake, context: &mut Self::Context) {
        self.work(context);
    }
}

impl<E: Entity> Handler<Passivate> for EntityActor<E> {
    type Result = ();

    fn handle(&mut self, _: Passivate, context: &mut Self::Context) {
        if self.intake.is_closed() {
            self.work(context);
            return;
        }
        // One that has work, or is about to be woken for it, is not idle after all.
        if self.entity.is_none() || !self.intake.seize() {
            return;
        }
        let Some(mut entity) = self.entity.take() else { return };
        let job = async move {
            entity.passivate().await;
            entity
        };
        let done = job.into_actor(self).map(|entity: E, actor, context| {
            if entity.is_deposed() {
                actor.intake.close();
                actor.metrics.deposed.inc();
                context.stop();
            } else if actor.intake.close_if_empty() {
                actor.metrics.passivations.inc();
                context.stop();
            } else {
                actor.entity = Some(entity);
                actor.work(context);
            }
        });
        context.spawn(done);
    }
}

impl<E: Entity> Drop for EntityActor<E> {
    /// Runs at every end, a panic's too: whoever waits is answered, and the next request starts a new actor.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.metrics.panics.inc();
        }
        let dropped = self.intake.close();
        self.metrics.waiting.sub(i64::try_from(dropped).unwrap_or(i64::MAX));
        self.metrics.active.dec();
    }
}
