//! Colours, for people at a terminal.

use std::fmt;
use std::io::{self, IsTerminal};

use anstyle::{AnsiColor, Style};

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    On,
    Off,
}

/// What a colour is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Title,
    Good,
    Doubtful,
    Bad,
    /// It is of little weight.
    Faint,
}

impl Colours {
    /// On where standard output is a terminal that has them, unless `NO_COLOR` is set to anything
    /// (<https://no-color.org>).
    pub(crate) fn of_standard_output() -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb {
            true => Self::On,
            false => Self::Off,
        }
    }

    /// `text` in the colour of `tone`.
    pub(crate) fn paint(self, tone: Tone, text: impl fmt::Display) -> String {
        let style = match self {
            Self::Off => Style::new(),
            Self::On => tone.style(),
        };
        format!("{style}{text}{style:#}")
    }
}

impl Tone {
    const fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Plain => style,
            Self::Title => style.bold(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Doubtful => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Faint => style.dimmed(),
        }
    }
}
