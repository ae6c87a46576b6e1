//! The example as it is.

use crate::running::{Pipeline, text_of};

#[test]
fn the_sample_gives_what_is_expected() {
    let Some(pipeline) = Pipeline::of_the_example(&text_of("pipeline.toml")) else {
        return;
    };
    let ended = pipeline.run(&["access.log"]);
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, text_of("expected.txt"));
    for stage in ["parse", "filter", "enrich", "aggregate"] {
        assert!(
            ended.stage(stage).ends_with("failures: none"),
            "{}",
            ended.stderr
        );
    }
    let readme = text_of("README.md");
    let shown = text_of("expected.txt");
    let summary = shown.lines().last().unwrap();
    assert!(
        readme.contains(summary),
        "the README shows another summary than {summary}"
    );
}

#[test]
fn however_lines_become_batches_the_results_are_the_same_and_in_order() {
    let toml = text_of("pipeline.toml")
        .replace("batch_lines = 50", "batch_lines = 1")
        .replace("in_flight = 4", "in_flight = 8");
    let Some(pipeline) = Pipeline::of_the_example(&toml) else {
        return;
    };
    let mut running = pipeline.start(&[]);
    running.feed(&text_of("access.log"));
    let ended = running.end();
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, text_of("expected.txt"));
    assert!(
        ended.stage("parse").starts_with("150 calls"),
        "{}",
        ended.stderr
    );
}
