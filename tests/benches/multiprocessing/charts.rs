//! The charts beside BENCHMARKS.md.

use crate::measure::{Measured, Unit};
use crate::report::{quantile, time};
use anyhow::{Context, Result};
use plotters::prelude::*;
use std::path::Path;

/// The groups in the chart of latencies, each with all its lines.
const LATENCIES: [&str; 6] = [
    "process start and join, two cores",
    "kill, from request to joined",
    "pipe round trip 16 B, two cores",
    "queue one way 16 B, two cores",
    "pool apply, two cores",
    "manager dict get",
];

/// Draws all charts into the directory.
pub(crate) fn draw(measured: &[Measured], directory: &Path) -> Result<()> {
    latency(measured, &directory.join("latency.svg"))?;
    scaling(measured, &directory.join("scaling.svg"))
}

/// From best to p99, with a mark at the p50, on a logarithmic axis.
fn latency(measured: &[Measured], path: &Path) -> Result<()> {
    const LINE: u32 = 18;
    let lines: Vec<&Measured> = measured
        .iter()
        .filter(|entry| LATENCIES.contains(&entry.group.as_str()))
        .filter(|entry| entry.unit == Unit::Nanoseconds && !entry.samples.is_empty())
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let count = u32::try_from(lines.len())?;
    let root = SVGBackend::new(path, (1000, 80 + count * LINE)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(0)
        .caption("best to p99, with the p50", ("sans-serif", 16))
        .build_cartesian_2d((10.0..1e9).log_scale(), 0..count)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_label_formatter(&|nanoseconds| time(*nanoseconds))
        .draw()?;
    for (entry, position) in lines.iter().zip((0..count).rev()) {
        let [best, median, late] = [0.0, 0.5, 0.99].map(|part| quantile(&entry.samples, part));
        let colour = colour(&entry.name);
        chart.draw_series([PathElement::new(
            vec![(best, position), (late, position)],
            colour.stroke_width(3),
        )])?;
        chart.draw_series([Circle::new((median, position), 4, colour.filled())])?;
        let label = format!("{}: {}", entry.group, entry.name);
        let style = ("sans-serif", 11).into_font().color(&BLACK);
        // Beside the line, on the side that has room.
        let (at, anchor) = match best < 2e4 {
            true => (late * 1.3, plotters::style::text_anchor::HPos::Left),
            false => (best / 1.3, plotters::style::text_anchor::HPos::Right),
        };
        let position_of_text = plotters::style::text_anchor::Pos::new(
            anchor,
            plotters::style::text_anchor::VPos::Center,
        );
        chart.draw_series([Text::new(
            label,
            (at, position),
            style.pos(position_of_text),
        )])?;
    }
    root.present().context("writing the chart")
}

/// Rounds per second by the number of processes, relative to one process.
fn scaling(measured: &[Measured], path: &Path) -> Result<()> {
    let lines: Vec<f64> = measured
        .iter()
        .filter(|entry| {
            entry
                .group
                .starts_with("independent processes that compute")
        })
        .map(|entry| quantile(&entry.samples, 0.5))
        .collect();
    let Some(one) = lines.first() else {
        return Ok(());
    };
    let points: Vec<(f64, f64)> = lines
        .iter()
        .zip(1..)
        .map(|(time, count)| (f64::from(count), one / time))
        .collect();
    let most = lines.len() as f64;
    let root = SVGBackend::new(path, (500, 320)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .x_label_area_size(35)
        .y_label_area_size(40)
        .caption("work done, against one process", ("sans-serif", 16))
        .build_cartesian_2d(1.0..most, 0.0..most)?;
    chart
        .configure_mesh()
        .x_labels(lines.len())
        .x_desc("processes that compute")
        .x_label_formatter(&|count| format!("{count:.0}"))
        .draw()?;
    chart.draw_series(LineSeries::new(points.clone(), BLUE.stroke_width(2)))?;
    chart.draw_series(
        points
            .iter()
            .map(|point| Circle::new(*point, 4, BLUE.filled())),
    )?;
    root.present().context("writing the chart")
}

fn colour(name: &str) -> RGBColor {
    match name {
        _ if name.starts_with("isopod") => BLUE,
        _ if name.starts_with("CPython") => RED,
        _ => RGBColor(120, 120, 120),
    }
}
