//! What somebody presses.

use std::thread;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc::Sender;

use super::News;

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Leave,
    Left,
    Right,
    /// The terminal has another size.
    Redraw,
}

/// Sends keys until nobody wants them any more, or there is no terminal. Reading waits, so it has a
/// thread of its own, which ends with the process.
pub(super) fn listen(news: Sender<News>) {
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            if let Some(key) = key(&event)
                && news.blocking_send(News::Key(key)).is_err()
            {
                return;
            }
        }
        // Without a terminal nobody can leave otherwise.
        let _ = news.blocking_send(News::Key(Key::Leave));
    });
}

fn key(event: &Event) -> Option<Key> {
    let Event::Key(KeyEvent {
        code,
        modifiers,
        kind: KeyEventKind::Press,
        ..
    }) = event
    else {
        return matches!(event, Event::Resize(..)).then_some(Key::Redraw);
    };
    match code {
        KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Leave),
        KeyCode::Char('q' | 'Q') | KeyCode::Esc => Some(Key::Leave),
        KeyCode::Left => Some(Key::Left),
        KeyCode::Right => Some(Key::Right),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        key(&Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn q_and_ctrl_c_leave() {
        assert_eq!(of(KeyCode::Char('q'), KeyModifiers::NONE), Some(Key::Leave));
        let ctrl_c = of(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(ctrl_c, Some(Key::Leave));
        assert_eq!(of(KeyCode::Char('c'), KeyModifiers::NONE), None);
    }
}
