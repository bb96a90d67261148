//! A report as a picture: a lane for each service at each host, faults as bands, requests as marks.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::report::{Event, Outcome, Report};
use crate::Service;

impl Report {
    /// Draws it as SVG, 960 wide.
    #[must_use]
    pub fn svg(&self) -> String {
        let picture = Picture::of(self);
        let mut svg = String::new();
        // Writing to a string cannot fail.
        let _ = picture.draw(&mut svg);
        svg
    }
}

struct Picture<'a> {
    report: &'a Report,
    lanes: Vec<(Service, &'a str)>,
    end: Duration,
}

impl<'a> Picture<'a> {
    fn of(report: &'a Report) -> Self {
        let mut services: Vec<Service> = Vec::new();
        for entry in &report.timeline {
            let service = match &entry.event {
                Event::Asked { service, .. } => *service,
                Event::Fault {
                    service: Some(service),
                    ..
                } => *service,
                _ => continue,
            };
            services.push(service);
        }
        services.sort_unstable();
        services.dedup();
        let lanes = services
            .into_iter()
            .flat_map(|service| {
                report
                    .hosts
                    .iter()
                    .map(move |host| (service, host.as_str()))
            })
            .collect();
        let last = report
            .timeline
            .last()
            .map_or(Duration::ZERO, |entry| entry.at);
        Self {
            report,
            lanes,
            end: last.max(Duration::from_millis(1)),
        }
    }

    fn draw(&self, svg: &mut String) -> std::fmt::Result {
        let lanes = self.lanes.len() + 1;
        let height = TOP + LANE * lanes as f64 + BOTTOM;
        writeln!(
            svg,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">"##
        )?;
        writeln!(svg, r##"<rect width="100%" height="100%" fill="#fff"/>"##)?;
        let (verdict, colour) = match &self.report.outcome {
            Outcome::Passed => ("passed", GOOD),
            Outcome::Failed(_) => ("failed", BAD),
            Outcome::Unfit(_) => ("not for this client", "#666"),
        };
        let (title, client) = (escape(&self.report.title), escape(&self.report.client));
        writeln!(
            svg,
            r##"<text x="8" y="20" font-size="15" fill="#222">{title}</text>"##
        )?;
        writeln!(
            svg,
            r##"<text x="8" y="38" fill="#666">{client}: <tspan fill="{colour}">{verdict}</tspan></text>"##
        )?;
        for (index, (service, host)) in self.lanes.iter().enumerate() {
            self.lane(svg, index, &format!("{host} {service}"))?;
        }
        self.lane(svg, lanes - 1, "nobody answered")?;
        self.bands(svg)?;
        self.axis(svg, lanes)?;
        self.marks(svg, lanes)?;
        writeln!(svg, "</svg>")
    }

    fn lane(&self, svg: &mut String, index: usize, label: &str) -> std::fmt::Result {
        let (y, fill) = (
            top(index),
            if index.is_multiple_of(2) {
                "#f6f6f6"
            } else {
                "#fff"
            },
        );
        writeln!(
            svg,
            r##"<rect x="0" y="{y}" width="{WIDTH}" height="{LANE}" fill="{fill}"/><text x="8" y="{}" fill="#222">{}</text>"##,
            y + LANE * 0.65,
            escape(label)
        )
    }

    fn bands(&self, svg: &mut String) -> std::fmt::Result {
        let mut lifted = BTreeMap::new();
        for entry in &self.report.timeline {
            if let Event::Lifted { number } = entry.event {
                lifted.insert(number, entry.at);
            }
        }
        for entry in &self.report.timeline {
            let Event::Fault {
                number,
                host,
                service,
                what,
            } = &entry.event
            else {
                continue;
            };
            let (from, to) = (
                self.x(entry.at),
                self.x(lifted.get(number).copied().unwrap_or(self.end)),
            );
            let struck =
                self.lanes.iter().enumerate().filter(|(_, (of, at))| {
                    at == host && service.is_none_or(|service| service == *of)
                });
            for (index, _) in struck {
                writeln!(
                    svg,
                    r##"<rect x="{from:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#d33" fill-opacity="0.18"><title>{}</title></rect><text x="{:.1}" y="{:.1}" font-size="10" fill="#a00">{}</text>"##,
                    top(index) + 1.0,
                    (to - from).max(1.0),
                    LANE - 2.0,
                    escape(what),
                    from + 3.0,
                    top(index) + 10.0,
                    escape(what)
                )?;
            }
        }
        Ok(())
    }

    fn axis(&self, svg: &mut String, lanes: usize) -> std::fmt::Result {
        let bottom = top(lanes);
        let end = self.end.as_secs_f64();
        let step = [0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0]
            .into_iter()
            .find(|step| end / step <= 10.0)
            .unwrap_or(300.0);
        let mut at = 0.0;
        while at <= end {
            let x = self.x(Duration::from_secs_f64(at));
            writeln!(
                svg,
                r##"<line x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{bottom}" stroke="#ddd"/><text x="{x:.1}" y="{}" fill="#666" text-anchor="middle">{}</text>"##,
                bottom + 15.0,
                label(at)
            )?;
            at += step;
        }
        Ok(())
    }

    fn marks(&self, svg: &mut String, lanes: usize) -> std::fmt::Result {
        let mut asked = BTreeMap::new();
        for entry in &self.report.timeline {
            match &entry.event {
                Event::Asked { id, service, what } => {
                    asked.insert(*id, (entry.at, *service, what));
                }
                Event::Answered { id, by, status, .. } => {
                    let Some((from, service, what)) = asked.get(id) else {
                        continue;
                    };
                    let lane = self
                        .lanes
                        .iter()
                        .position(|(of, host)| of == service && Some(*host) == by.as_deref())
                        .unwrap_or(lanes - 1);
                    let colour = if (200..400).contains(status) {
                        GOOD
                    } else {
                        BAD
                    };
                    let said = format!("[{id}] {what}: {status}");
                    self.mark(svg, lane, *from, entry.at, colour, &said)?;
                }
                Event::Failed { id, error, .. } => {
                    if let Some((from, _, what)) = asked.get(id) {
                        let said = format!("[{id}] {what}: {error}");
                        self.mark(svg, lanes - 1, *from, entry.at, BAD, &said)?;
                    }
                }
                Event::Missed { why } => {
                    let (x, why) = (self.x(entry.at), escape(why));
                    writeln!(
                        svg,
                        r##"<path d="M{:.1} {} l8 0 l-4 7 z" fill="{BAD}"><title>{why}</title></path>"##,
                        x - 4.0,
                        TOP - 9.0
                    )?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn mark(
        &self,
        svg: &mut String,
        lane: usize,
        from: Duration,
        to: Duration,
        colour: &str,
        said: &str,
    ) -> std::fmt::Result {
        let (from, to, y) = (self.x(from), self.x(to), top(lane) + LANE * 0.68);
        writeln!(
            svg,
            r##"<g stroke="{colour}" fill="{colour}"><line x1="{from:.1}" y1="{y:.1}" x2="{to:.1}" y2="{y:.1}" stroke-width="2"/><circle cx="{to:.1}" cy="{y:.1}" r="3.5"/><title>{}</title></g>"##,
            escape(said)
        )
    }

    fn x(&self, at: Duration) -> f64 {
        let share = at.as_secs_f64() / self.end.as_secs_f64();
        LEFT + share.min(1.0) * (WIDTH - LEFT - RIGHT)
    }
}

fn top(lane: usize) -> f64 {
    TOP + LANE * lane as f64
}

fn label(seconds: f64) -> String {
    match seconds {
        0.0 => "0".to_owned(),
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds} s"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

const WIDTH: f64 = 960.0;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 56.0;
const LANE: f64 = 30.0;
const BOTTOM: f64 = 24.0;

const GOOD: &str = "#187a3c";
const BAD: &str = "#b3261e";
