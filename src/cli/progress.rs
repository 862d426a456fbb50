//! A progress bar on standard error, if that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts rows.
pub struct Progress(ProgressBar);

impl Progress {
    /// Begins to count up to a number; none is unknown.
    pub fn of(rows: Option<usize>) -> Self {
        let bar = match rows {
            Some(rows) => ProgressBar::new(rows as u64),
            None => ProgressBar::no_length(),
        };
        let template = match rows {
            Some(_) => "{bar:40} {human_pos} of {human_len}",
            None => "{spinner} {human_pos}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Counts so many.
    pub fn reached(&self, rows: usize) {
        self.0.set_position(rows as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
