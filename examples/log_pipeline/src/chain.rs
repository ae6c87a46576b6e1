//! The chain of stages that each batch goes through.

use crate::batches::Batch;
use crate::config::Config;
use crate::report;
use crate::stage::Stage;
use anyhow::{Context, Result};
use isopod_host::Engine;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stages, in their order.
pub(crate) struct Chain {
    pub(crate) stages: Vec<Arc<Stage>>,
}

/// The results of a batch.
pub(crate) struct Processed {
    pub(crate) records: Vec<u8>,
    /// The counts of the stages that count.
    pub(crate) counted: Vec<Counted>,
}

/// The count of a stage for a batch.
pub(crate) struct Counted {
    stage: Arc<Stage>,
    batch: u64,
    count: Vec<u8>,
}

/// The totals of all batches, by the stage that counted: JSON. The application keeps them and not a plugin,
/// whose instances may end at any time.
#[derive(Default)]
pub(crate) struct Totals(BTreeMap<String, Vec<u8>>);

impl Chain {
    /// Loads all plugins, at the same time, since compiling a large one takes seconds.
    pub(crate) fn load(config: &Config) -> Result<Chain> {
        let mut engine = Engine::builder();
        if let Some(directory) = &config.cache {
            engine = engine.cache_directory(directory);
        }
        let engine = engine.build().context("cannot make an engine")?;
        report::tell("loading plugins; what is not in the cache is compiled");
        let stages = std::thread::scope(|scope| {
            let engine = &engine;
            let load = |settings| scope.spawn(move || Stage::load(engine, settings));
            let loading: Vec<_> = config.stages.iter().map(load).collect();
            let stages = loading.into_iter().map(|stage| {
                let stage = stage.join().ok().context("a thread panicked")?;
                Ok(Arc::new(stage?))
            });
            stages.collect::<Result<Vec<_>>>()
        })?;
        Ok(Chain { stages })
    }

    /// Sends a batch through all stages. A stage that fails is skipped: the next one gets the input of the
    /// failed one.
    pub(crate) async fn process(&self, batch: Batch) -> Processed {
        let (number, mut records) = (batch.number, batch.lines);
        let mut counted = Vec::new();
        for stage in &self.stages {
            let Some(output) = stage.run(number, &records).await else {
                continue;
            };
            match stage.counts() {
                false => records = output,
                true => counted.push(Counted {
                    stage: Arc::clone(stage),
                    batch: number,
                    count: output,
                }),
            }
        }
        Processed { records, counted }
    }
}

impl Totals {
    /// Adds the counts of a batch. A count that cannot be added is reported, and left out.
    pub(crate) async fn add(&mut self, counted: Vec<Counted>) {
        for Counted {
            stage,
            batch,
            count,
        } in counted
        {
            let total = self.0.get(stage.name()).map(Vec::as_slice);
            if let Some(sum) = stage.merge(batch, total, &count).await {
                self.0.insert(stage.name().to_owned(), sum);
            }
        }
    }

    /// The totals as one line of JSON.
    pub(crate) fn summary(&self) -> String {
        let totals = self.0.iter().map(|(name, total)| {
            let total = String::from_utf8_lossy(total);
            format!("{}:{}", serde_json::json!(name), total.trim())
        });
        let totals: Vec<String> = totals.collect();
        format!("{{\"summary\":{{{}}}}}", totals.join(","))
    }
}
