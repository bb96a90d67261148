//! What happened, counted in buckets and drawn with text.

use std::fmt::Write as _;

use standin_core::Moment;

/// Counts by the second since the simulation began.
#[derive(Debug)]
pub(crate) struct Series {
    origin: Moment,
    seconds: Vec<u32>,
}

impl Series {
    pub(crate) const fn since(origin: Moment) -> Self {
        Self {
            origin,
            seconds: Vec::new(),
        }
    }

    pub(crate) fn count(&mut self, now: Moment) {
        let second = self.second(now);
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, 0);
        }
        self.seconds[second] += 1;
    }

    /// All that was counted from one moment to before another.
    pub(crate) fn between(&self, from: Moment, to: Moment) -> u32 {
        let end = self.second(to).min(self.seconds.len());
        let begin = self.second(from).min(end);
        self.seconds[begin..end].iter().sum()
    }

    /// The most in any span of so many seconds from a moment on.
    pub(crate) fn most(&self, span: usize, from: Moment) -> u32 {
        let begin = self.second(from).min(self.seconds.len());
        let seconds = &self.seconds[begin..];
        let whole = seconds.windows(span.min(seconds.len()).max(1));
        whole.map(|span| span.iter().sum()).max().unwrap_or(0)
    }

    /// The same, and nothing of what came later.
    pub(crate) fn up_to(&self, end: Moment) -> Self {
        let end = self.second(end).min(self.seconds.len());
        Self {
            origin: self.origin,
            seconds: self.seconds[..end].to_vec(),
        }
    }

    fn second(&self, now: Moment) -> usize {
        now.since(self.origin).as_secs() as usize
    }

    /// A bar for each two minutes; a full one stands for `full`.
    fn bars(&self, until: Moment, full: u32) -> String {
        const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let columns = self.second(until).div_ceil(COLUMN);
        (0..columns)
            .map(|column| {
                let begin = (column * COLUMN).min(self.seconds.len());
                let end = (begin + COLUMN).min(self.seconds.len());
                let sum: u32 = self.seconds[begin..end].iter().sum();
                let share = (sum * 8).div_ceil(full.max(1));
                BARS[share.min(8) as usize]
            })
            .collect()
    }
}

/// Seconds that a column of a chart stands for.
const COLUMN: usize = 120;

/// A chart of several series on one scale each.
pub(crate) fn chart(title: &str, until: Moment, lines: &[(&str, &Series)]) -> String {
    let mut text = format!("\n{title}\n");
    for (name, series) in lines {
        let full = series.most(COLUMN, series.origin);
        let bars = series.bars(until, full);
        let _ = writeln!(text, "  {name:<26}|{bars}| at most {full} in 2 min");
    }
    text
}
