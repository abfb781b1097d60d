//! The figures as a table in Markdown, ready to be read by people where it is put.

use super::contest::Runs;
use super::make::Capture;
use super::measure::Cost;

/// The middle one; of an even number, the lower of the two.
pub(super) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len().checked_sub(1)? / 2).copied()
}

pub(super) fn heading(yardsticks: &[&str]) {
    let columns = ["workload", "program", "CPU s", "wall s", "MB/s", "ns/packet", "exchanges/s", "peak MiB"];
    let ratios = yardsticks.iter().map(|name| format!(" ÷ {name} |"));
    println!("| {} |{}", columns.join(" | "), ratios.collect::<String>());
    println!("|---|---|{}", "--:|".repeat(columns.len() - 2 + yardsticks.len()));
}

/// The lines of one capture. Each ratio is the median of those of single rounds.
pub(super) fn lines(label: &str, capture: &Capture, table: &[Runs], yardsticks: &[&str]) {
    let truth = &capture.truth;
    for runs in table {
        let of = |figure: fn(&Cost) -> f64| median(runs.costs.iter().map(figure).collect()).unwrap_or(0.0);
        let cpu = of(|cost| cost.cpu);
        print!(
            "| {label} | {} | {} | {} | {:.0} | {:.0} | {:.0} | {:.0} |",
            runs.name,
            seconds(cpu),
            seconds(of(|cost| cost.wall)),
            truth.bytes as f64 / 1e6 / cpu,
            cpu * 1e9 / truth.packets as f64,
            truth.exchanges as f64 / cpu,
            of(|cost| cost.peak as f64) / f64::from(1 << 20),
        );
        for yardstick in yardsticks {
            let rounds = table
                .iter()
                .find(|other| other.name == *yardstick)
                .map(|other| runs.costs.iter().zip(&other.costs).map(|(own, other)| own.cpu / other.cpu));
            match rounds.and_then(|rounds| median(rounds.collect())) {
                Some(ratio) if ratio < 0.1 => print!(" {ratio:.3} |"),
                Some(ratio) => print!(" {ratio:.2} |"),
                None => print!(" |"),
            }
        }
        println!();
    }
}

/// Three digits, which is more than two runs agree in.
pub(super) fn seconds(figure: f64) -> String {
    match figure {
        0.0..10.0 => format!("{figure:.2}"),
        10.0..100.0 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_of_the_figures() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(1.0));
    }
}
