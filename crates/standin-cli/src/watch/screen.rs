//! The screen: what is known, as it looks at this moment.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use standin::State as Health;
use standin_core::Moment;

use super::model::{Cell, Event, Host, Model, Row, word};
use crate::paint::{Colours, Tone};
use crate::status::Counts;

/// From when it is looked at.
pub(super) struct View<'a> {
    pub(super) now: Moment,
    /// By the clock on the wall.
    pub(super) time: &'a str,
    pub(super) interval: Duration,
    pub(super) colours: Colours,
}

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, view: &View<'_>) {
    let rows = u16::try_from(model.rows.len()).unwrap_or(u16::MAX);
    let [title, heads, table, rule, events] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(rows),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(frame.area());
    let shown = shown(model, frame.area());
    frame.render_widget(
        Paragraph::new(first_line(model, view, title, shown.len())),
        title,
    );
    frame.render_widget(Paragraph::new(heads_of(shown, view)), heads);
    let range = model.passed..model.passed + shown.len();
    let lines = model.rows.iter().map(|row| line(row, range.clone(), view));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), table);
    let what = Span::styled("Recent events", view.style(Tone::Title));
    frame.render_widget(Paragraph::new(what), rule);
    let lines = model.events.iter().map(told);
    let lines: Vec<_> = lines.take(usize::from(events.height)).collect();
    frame.render_widget(Paragraph::new(lines), events);
}

impl View<'_> {
    fn style(&self, tone: Tone) -> Style {
        let style = Style::new();
        match (self.colours, tone) {
            (_, Tone::Plain) => style,
            // Weight is no colour.
            (_, Tone::Title) => style.add_modifier(Modifier::BOLD),
            (_, Tone::Faint) => style.add_modifier(Modifier::DIM),
            (Colours::Off, _) => style,
            (Colours::On, Tone::Good) => style.fg(Color::Green),
            (Colours::On, Tone::Doubtful) => style.fg(Color::Yellow),
            (Colours::On, Tone::Bad) => style.fg(Color::Red),
        }
    }
}

/// The hosts for which there is room.
fn shown(model: &Model, area: Rect) -> &[Host] {
    let room = usize::from(area.width).saturating_sub(SERVICE) / CELL;
    let from = &model.hosts[model.passed.min(model.hosts.len())..];
    &from[..room.clamp(1, from.len().max(1)).min(from.len())]
}

fn first_line<'a>(model: &Model, view: &View<'_>, area: Rect, shown: usize) -> Line<'a> {
    let (first, last, all) = (model.passed + 1, model.passed + shown, model.hosts.len());
    let mut text = format!("standin watch, every {} s", view.interval.as_secs_f64());
    if shown < all {
        text += &match first < last {
            true => format!(", hosts {first} to {last} of {all}"),
            false => format!(", host {first} of {all}"),
        };
    }
    let end = format!("{} UTC, q leaves", view.time);
    let room = usize::from(area.width).saturating_sub(text.len());
    Line::styled(format!("{text}{end:>room$}"), view.style(Tone::Title))
}

fn heads_of<'a>(hosts: &[Host], view: &View<'_>) -> Vec<Line<'a>> {
    let blank = format!("{:SERVICE$}", "");
    let names = hosts.iter().map(|host| {
        let name = format!("{} ({})", host.name, host.role);
        format!("{:CELL$}", cut(&name, CELL - 1))
    });
    let columns = hosts.iter().map(|_| {
        format!(
            "  {:STATE$} {:HEALTH$} {:>SINCE$} {:>RATE$} ",
            "state", "health", "since", "rate"
        )
    });
    let names = blank + &names.collect::<String>();
    let columns = format!("{:SERVICE$}", "service") + &columns.collect::<String>();
    vec![
        Line::styled(names, view.style(Tone::Title)),
        Line::styled(columns, view.style(Tone::Faint)),
    ]
}

fn line<'a>(row: &Row, range: std::ops::Range<usize>, view: &View<'_>) -> Line<'a> {
    let mut spans = vec![Span::raw(format!("{:SERVICE$}", row.service))];
    for cell in row.cells.get(range).unwrap_or_default() {
        match cell {
            None => spans.push(Span::raw(format!("{:CELL$}", ""))),
            Some(cell) => spans.extend(parts(cell, row, view)),
        }
    }
    Line::from(spans)
}

fn parts<'a>(cell: &Cell, row: &Row, view: &View<'_>) -> [Span<'a>; 4] {
    let holds = match row.holder.as_ref() == Some(&cell.server) {
        true => "> ",
        false => "  ",
    };
    let (state, tone) = match &cell.state {
        None => ("...".to_owned(), Tone::Faint),
        Some(state) => (
            state.to_string(),
            match state.counts() {
                Counts::Running => Tone::Good,
                Counts::NotRunning => Tone::Bad,
                Counts::Not => Tone::Faint,
            },
        ),
    };
    let health = match cell.health {
        Health::Ready => Tone::Plain,
        Health::Suspect | Health::Probing => Tone::Doubtful,
        Health::Benched => Tone::Bad,
    };
    let since = cell.since.map(|since| span(view.now.since(since)));
    let rate = match cell.rate(view.now) {
        0.0 => "-".to_owned(),
        rate => format!("{rate:.1}/s"),
    };
    [
        Span::styled(holds, view.style(Tone::Title)),
        Span::styled(format!("{:STATE$} ", cut(&state, STATE)), view.style(tone)),
        Span::styled(
            format!("{:HEALTH$} ", word(cell.health)),
            view.style(health),
        ),
        Span::raw(format!(
            "{:>SINCE$} {rate:>RATE$} ",
            since.unwrap_or_default()
        )),
    ]
}

fn told<'a>(event: &Event) -> Line<'a> {
    Line::raw(format!("{}  {}", event.time, event.story))
}

/// Whole, or its beginning.
fn cut(text: &str, most: usize) -> String {
    match text.chars().count() <= most {
        true => text.to_owned(),
        false => text.chars().take(most - 1).chain(['~']).collect(),
    }
}

/// In the largest unit of which there is one.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// As wide as the longest name of a service, and a blank.
const SERVICE: usize = 14;
/// Two of them fit beside it into 80 columns.
const CELL: usize = 2 + STATE + 1 + HEALTH + 1 + SINCE + 1 + RATE + 1;
const STATE: usize = 9;
const HEALTH: usize = 7;
const SINCE: usize = 5;
const RATE: usize = 6;

#[cfg(test)]
mod tests;
